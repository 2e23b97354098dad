"""`uv run dev`: the service on this machine, for development."""

import os
import sys
from pathlib import Path

from app.cli import main as service
from app.project_files import write_project_files

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Serve the API and restart it when the code changes; takes the options of `serve`."""
    os.chdir(ROOT)  # the folder of the .env files
    if not (ROOT / ".env.development").exists():
        print("\n".join(write_project_files(ROOT, {}, force=False)))
    service(["serve", "--reload", *sys.argv[1:]])


if __name__ == "__main__":
    main()
