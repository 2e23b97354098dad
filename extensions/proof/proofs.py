"""What the tiers of the proof saw: kept in a folder until the certificate is made of it.

One file for each tier. Its figures are those of one commit: what was seen of another is forgotten.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from extensions.commands.git import git

Figures = dict[str, Any]
COMMIT = "commit"
CHANGED = "-changed"
"""Stands behind the commit of a work tree that differs from it."""


def commit_of(repository: Path) -> str:
    """Return the commit of a work tree, marked where something has changed since."""
    commit = git(repository, "rev-parse", "HEAD").decode().strip()
    return commit + (CHANGED if git(repository, "status", "--porcelain") else "")


def kept(folder: Path, tier: str, commit: str) -> Figures:
    """Return the figures of `tier` that are kept in `folder` of `commit`."""
    path = folder / f"{tier}.json"
    figures: Figures = json.loads(path.read_text()) if path.exists() else {}
    return figures if figures.get(COMMIT) == commit else {}


def keep(folder: Path, tier: str, commit: str, figures: Mapping[str, Any]) -> None:
    """Add `figures` to those that are kept (see `merged`)."""
    together = {**merged(kept(folder, tier, commit), figures), COMMIT: commit}
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{tier}.json.new"
    written.write_text(json.dumps(together, indent=1, sort_keys=True) + "\n")
    written.replace(folder / f"{tier}.json")  # who is stopped here leaves the old or the new


def merged(known: Mapping[str, Any], figures: Mapping[str, Any]) -> Figures:
    """Return both together.

    Numbers add up, lists go on without doubles, mappings take what is new over what they had, and
    texts replace each other.
    """
    return {**known, **{name: _both(known.get(name), new) for name, new in figures.items()}}


def _both(known: Any, new: Any) -> Any:
    if known is None:
        return new
    if isinstance(new, list):
        return known + [each for each in new if each not in known]
    if isinstance(new, Mapping):
        return {**known, **new}
    return new if isinstance(new, str) else known + new


def cache_folder(commit: str) -> Path:
    """Return where this machine keeps what has passed at `commit`: outside the work tree."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "fastapi-service-template" / "proof" / commit


def has_passed(folder: Path, tier: str, commit: str) -> bool:
    """Return whether `folder` has noted that all of `tier` has passed at `commit`."""
    note = folder / f"{tier}.passed"
    return note.exists() and note.read_text(encoding="utf-8") == commit


def note_passed(folder: Path, tier: str, commit: str) -> None:
    """Note in `folder` that all of `tier` has passed at `commit`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{tier}.passed").write_text(commit, encoding="utf-8")
