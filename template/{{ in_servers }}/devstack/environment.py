"""What the person has set, and where other programs find what they have not."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from devstack.server import Server


def chosen_settings(root: Path) -> dict[str, str]:
    """Return what the person has set, read as the service reads it; empty values count as unset."""
    sources: list[Mapping[str, str | None]] = [
        dotenv_values(root / ".env"),
        dotenv_values(root / ".env.development"),
        os.environ,
    ]
    return {name: value for source in sources for name, value in source.items() if value}


def is_yours(server: Server, chosen: Mapping[str, str]) -> bool:
    """Return whether the person has a server of this kind, and has said where."""
    return any(name in chosen for name in server.address_settings)


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Write `environment` where the settings of commands look for it (see app/core/config.py)."""
    path.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
