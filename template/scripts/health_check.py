"""Check every backing service, and print a table; exit with status 1 if one fails."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # the folder of the .env files, from any working directory
    main(["check", *sys.argv[1:]])
