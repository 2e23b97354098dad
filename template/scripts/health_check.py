"""Check everything that the service needs, in one table; exit with 1 if any of them failed."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # where the .env files are, wherever this is called from
    main(["check", *sys.argv[1:]])
