"""How many processes run the tests: several for all of them, one for whatever looks closer."""

import sys

import pytest

from tests.servers import yours


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return 0, for one process, where several would not be quicker or would be in the way.

    None leaves the number to pytest-xdist. Each process starts servers of its own, so only all
    tests together are worth more than one. Debuggers and `-s` do not reach into the others, and
    servers of yours take one at a time.
    """
    option = config.option
    only_some = config.args != config.getini("testpaths")
    chosen = option.keyword or option.markexpr or option.lf
    is_watched = option.capture == "no" or sys.gettrace() is not None or "pydevd" in sys.modules
    return 0 if only_some or chosen or is_watched or yours() else None
