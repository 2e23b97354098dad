"""What the tiers see, kept in the folder $PROOF_DIR for the certificate; nowhere without it."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from extensions.certificate import COUNTED
from extensions.proofs import commit_of, keep, kept
from tests.rendering import ROOT


def proof(tier: str, **figures: Any) -> None:
    """Add `figures` to those that `tier` has given so far (see extensions/proofs.py)."""
    if folder := os.environ.get("PROOF_DIR"):
        keep(Path(folder), tier, commit_of(ROOT), figures)


def seen_by(tier: str) -> dict[str, Any]:
    """Return the figures that are kept of `tier`."""
    folder = os.environ.get("PROOF_DIR")
    return kept(Path(folder), tier, commit_of(ROOT)) if folder else {}


class WholeTiers:
    """A plugin that notes that a tier has come to its end: `pytest -m render` without a failure.

    What an earlier run of the tier saw is forgotten when it begins; rows of the tier `run` are not.
    """

    def __init__(self, tier: str) -> None:
        self._tier = tier
        self._began = time.monotonic()

    def pytest_sessionstart(self) -> None:
        if folder := os.environ.get("PROOF_DIR"):
            Path(folder, f"{self._tier}.json").unlink(missing_ok=True)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            proof(self._tier, seconds=round(time.monotonic() - self._began))


def is_whole_tier(config: pytest.Config) -> bool:
    return config.option.markexpr in COUNTED and not config.option.keyword
