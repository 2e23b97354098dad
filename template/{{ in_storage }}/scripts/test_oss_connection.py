"""List buckets and objects, upload an object, read it back and delete it."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # the folder of the .env files, from any working directory
    main(["check", "storage", *sys.argv[1:]])
