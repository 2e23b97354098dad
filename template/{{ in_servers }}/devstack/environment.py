"""The developer's own settings, and the file with the addresses of the started servers."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from devstack.server import Server


def chosen_settings(root: Path) -> dict[str, str]:
    """Return the developer's settings, read as the service reads them; empty means unset."""
    sources: list[Mapping[str, str | None]] = [
        dotenv_values(root / ".env"),
        dotenv_values(root / ".env.development"),
        os.environ,
    ]
    return {name: value for source in sources for name, value in source.items() if value}


def is_yours(server: Server, chosen: Mapping[str, str]) -> bool:
    """Return whether the settings name a server of this kind."""
    return any(name in chosen for name in server.address_settings)


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Write `environment` to a file that the settings read (see app/core/config.py)."""
    path.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
