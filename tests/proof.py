"""What the tiers saw, in $PROOF_DIR/<tier>.json, for the certificate; nowhere without PROOF_DIR."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def proof(tier: str, **figures: Any) -> None:
    """Add `figures` to those that `tier` has given so far.

    Numbers add up, lists go on without doubles, mappings take what is new over what they had, and
    texts replace each other.
    """
    if folder := os.environ.get("PROOF_DIR"):
        known = seen_by(tier)
        path = Path(folder, f"{tier}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".new")
        written.write_text(json.dumps(merged(known, figures), indent=1, sort_keys=True) + "\n")
        written.replace(path)  # a run that is stopped leaves the old figures or the new ones


def seen_by(tier: str) -> dict[str, Any]:
    """Return the figures that are kept of `tier`."""
    folder = os.environ.get("PROOF_DIR")
    path = Path(folder or "", f"{tier}.json")
    known: dict[str, Any] = json.loads(path.read_text()) if folder and path.exists() else {}
    return known


def merged(known: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return both together."""
    return {**known, **{name: _both(known.get(name), new) for name, new in figures.items()}}


def _both(known: Any, new: Any) -> Any:
    if known is None:
        return new
    if isinstance(new, list):
        return known + [each for each in new if each not in known]
    if isinstance(new, Mapping):
        return {**known, **new}
    return new if isinstance(new, str) else known + new
