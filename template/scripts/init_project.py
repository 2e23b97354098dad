"""Set up a fresh clone: .env.development, and the name in pyproject.toml. See `--help`."""

import os
import sys
from pathlib import Path

from app.cli import init_project, main

__all__ = ["init_project"]

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # the folder of the .env files, from any working directory
    main(["init", *sys.argv[1:]])
