"""Say whether the database answers and which version it is, or what to look at."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # where the .env files are, wherever this is called from
    main(["check", "database", *sys.argv[1:]])
