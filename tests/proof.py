"""What the tiers see, kept in the folder $PROOF_DIR for the certificate; nowhere without it."""

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from extensions.proof.certificate import COUNTED
from extensions.proof.proofs import CHANGED, commit_of, keep, kept
from tests.rendering import ROOT


def proof(tier: str, **figures: Any) -> None:
    """Add `figures` to those that `tier` has given so far (see extensions/proof/proofs.py)."""
    if folder := os.environ.get("PROOF_DIR"):
        keep(Path(folder), tier, _commit(), figures)


def seen_by(tier: str) -> dict[str, Any]:
    """Return the figures that are kept of `tier`."""
    folder = os.environ.get("PROOF_DIR")
    return kept(Path(folder), tier, _commit()) if folder else {}


def _commit() -> str:
    """Return the commit that is tested; what changes meanwhile makes it a changed one."""
    first = commit_at_start()
    return first if commit_of(ROOT) == first else first.removesuffix(CHANGED) + CHANGED


@cache
def commit_at_start() -> str:
    """Return the commit of the work tree when this was first called."""
    return commit_of(ROOT)


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
    is_part = config.option.keyword or config.option.sample
    return config.option.markexpr in COUNTED and not is_part
