"""Git and the copier command, as a person runs them, and what they leave."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import extensions.commands.git

ROOT = Path(__file__).parents[1]


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` and return what it printed."""
    return extensions.commands.git.git(folder, *arguments).decode()


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


def differing(some: Mapping[str, bytes], others: Mapping[str, bytes]) -> set[str]:
    """Return the paths of two services that are not the same in both: short, where it fails."""
    return {path for path in some.keys() | others if some.get(path) != others.get(path)}
