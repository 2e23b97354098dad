"""All tests together are shared by several processes; whatever looks closer has one."""

import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devstack import process
from tests.processes import MOST, pytest_xdist_auto_num_workers, take_own_ports
from tests.servers import yours


def processes(**changes: Any) -> int | None:
    """Return what the hook says of a run with these options, in all else that of `pytest`."""
    run = SimpleNamespace(
        args=changes.pop("args", ["tests"]),
        getini={"testpaths": ["tests"]}.__getitem__,
        getoption=changes.get,
    )
    return pytest_xdist_auto_num_workers(cast(pytest.Config, run))


@pytest.fixture(autouse=True)
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let neither a debugger nor servers of yours be there, as where nobody looks closer."""
    monkeypatch.setattr("sys.gettrace", lambda: None)
    monkeypatch.delitem(sys.modules, "pydevd", raising=False)
    for name in yours():
        monkeypatch.delenv(f"TEST_{name}")


def test_all_tests_together_have_as_many_as_the_machine_has_processors() -> None:
    assert processes() is None


@pytest.mark.parametrize(
    "closer",
    [
        {"args": ["tests/test_main.py"]},
        {"keyword": "cursor"},
        {"markexpr": "slow"},
        {"lf": True},
        {"stepwise": True},
        {"trace": True},
        {"capture": "no"},
    ],
    ids=lambda closer: next(iter(closer)),
)
def test_some_tests_or_all_watched_have_one(closer: dict[str, Any]) -> None:
    assert processes(**closer) == 0


def test_a_debugger_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.gettrace", lambda: print)
    assert processes() == 0


def test_servers_of_yours_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PROJECT_NAME", "something")
    assert processes() == 0


def test_no_two_processes_draw_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = range(22_000, 32_000)
    drawn: list[int] = []
    for number in range(MOST):
        monkeypatch.setattr(process, "PORTS", ports)
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        take_own_ports()
        drawn += process.PORTS
    assert sorted(drawn) == list(ports)


def test_there_are_no_more_processes_than_have_ports_of_their_own() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    options = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert f"--maxprocesses={MOST}" in options["addopts"]
