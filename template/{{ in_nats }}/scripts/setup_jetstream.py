"""Make the JetStream streams or bring them up to date; the second time nothing changes."""

import os
import sys
from pathlib import Path

from app.cli import main

if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])  # where the .env files are, wherever this is called from
    main(["streams", *sys.argv[1:]])
