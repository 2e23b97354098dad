"""Check the database: print its version, or the reason of the failure."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # the folder of the .env files, from any working directory
    main(["check", "database", *sys.argv[1:]])
