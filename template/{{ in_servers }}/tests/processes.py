"""How many processes run the tests: several for all of them, one for whatever looks closer."""

import os
import sys
from typing import Final

import pytest

from devstack import process
from tests.servers import yours

MOST: Final = 4
"""As many as pyproject.toml allows."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return 0, for one process, where several would not be quicker or would be in the way.

    None leaves the number to pytest-xdist. Each process starts servers of its own, so only all
    tests together are worth more than one. Debuggers and `-s` do not reach into the others, and
    servers of yours take one at a time.
    """
    only_some = config.args != config.getini("testpaths") or _is_given(
        config, "keyword", "markexpr", "lf", "stepwise"
    )
    is_watched = config.getoption("capture", "") == "no" or _is_given(config, "trace")
    has_debugger = sys.gettrace() is not None or "pydevd" in sys.modules
    return 0 if only_some or is_watched or has_debugger or yours() else None


def _is_given(config: pytest.Config, *options: str) -> bool:
    return any(config.getoption(option, None) for option in options)


def take_own_ports() -> None:
    """Let this process draw from ports that no other of this run draws from.

    A port that is free now may be drawn by two, and be taken when the second comes to listen.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    process.PORTS = process.PORTS[number % MOST :: MOST]
