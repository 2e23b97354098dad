"""Git and the copier command, as a person runs them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` and return what it printed."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def run_copier(*arguments: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person does, in `folder`, without a terminal."""
    command = ["copier", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
