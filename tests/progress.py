"""Says which rows of the run tier run, which are done, and how many are left; keeps what passed."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.proof import commit_at_start, proof
from tests.rows import Selection, selection

NAME = re.compile(r".*?/test_run\.py::\w+\[(.+?)\]")
LINES = 30
"""Of what a failure says, at once; pytest says all of it in the end."""


@dataclass(slots=True)
class Row:
    """One row that runs.

    Attributes:
        waits_for: its tests that are not done.
        began: when the first one started, by the monotonic clock; None before.
        seconds: how long it took; None until it is done.
        failed: its tests that failed.
        figures: what its tests recorded.
    """

    waits_for: set[str] = field(default_factory=set)
    began: float | None = None
    seconds: float | None = None
    failed: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        return self.began is not None and self.seconds is None


class ByRow(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each row to one process, which installs its service; any other test to any process.

    xdist's own loadgroup scatters groups from pytest 9.2 on (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return _row_of(nodeid) or nodeid


def _row_of(test: str) -> str:
    """Return the row that `test` belongs to, if it does."""
    found = NAME.fullmatch(test)
    return found[1] if found else ""


class Progress:
    """A plugin of the process that a person looks at; the rows may run in others."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: dict[str, Row] = {}
        self._selection: Selection | None = None
        commit_at_start()  # so that one in between is noticed

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give each process of xdist the rows, so that all have the same."""
        node.workerinput["rows"] = list(selection(self._config).rows)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> ByRow:
        return ByRow(config, log)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._expect(ids)

    def _expect(self, tests: Iterable[str]) -> None:
        if self._rows:  # another process has collected the same
            return
        named = {test: row for test in tests if (row := _row_of(test))}
        if named:
            self._selection = selection(self._config)
        for test, name in named.items():
            if self._selection and name in self._selection.rows:
                self._rows.setdefault(name, Row()).waits_for.add(test)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if (row := self._row(nodeid)) and row.began is None:
            row.began = time.monotonic()
            self._say(f"{_row_of(nodeid)} starts")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not (row := self._row(report.nodeid)):
            return
        if report.failed:
            row.failed.append(report.nodeid)
            for line in report.longreprtext.splitlines()[-LINES:]:
                self._write(line)
        if report.when not in ("setup", "call"):  # it is over, or its process is
            row.figures |= dict(report.user_properties)
            row.waits_for.discard(report.nodeid)
            if not row.waits_for:
                self._done(_row_of(report.nodeid), row)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """Print no dot for a test of a row: its line says more."""
        outcome = yield
        if self._row(report.nodeid) and self._config.get_verbosity() <= 0:
            category, _, word = outcome.get_result()
            outcome.force_result((category, "", word))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        failed = [name for name, row in self._rows.items() if row.failed]
        if failed and self._selection:
            terminalreporter.section("rows that failed, and how to run them again")
            for name in failed:
                terminalreporter.line(self._selection.again(name))

    def _row(self, test: str) -> Row | None:
        return self._rows.get(_row_of(test))

    def _done(self, name: str, row: Row) -> None:
        assert self._selection is not None
        row.seconds = time.monotonic() - (row.began or time.monotonic())
        if row.failed:
            tests = ", ".join(test.rpartition("::")[2].partition("[")[0] for test in row.failed)
            self._say(f"{name} FAILED after {row.seconds:.0f} s in {tests}")
            self._write(f"once more: {self._selection.again(name)}")
        else:
            self._say(f"{name} passed in {row.seconds:.0f} s")
            row.figures |= {"seconds": round(row.seconds), "versions": self._selection.versions}
            if not self._config.option.keyword:  # all of its tests ran
                proof("run", rows={self._selection.name(name): row.figures})

    def _say(self, news: str) -> None:
        """Write a line with `news` and how it stands."""
        rows = self._rows.values()
        running = [name for name, row in self._rows.items() if row.is_running]
        done = sum(row.seconds is not None for row in rows)
        waiting = sum(row.began is None for row in rows)
        tally = f"{done} of {len(rows)} done, {waiting} waiting"
        self._write(f"{news} | {tally}" + (f", running: {'; '.join(running)}" if running else ""))

    def _write(self, line: str) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(terminal, TerminalReporter)
        terminal.ensure_newline()
        terminal.write_line(line)
        terminal.flush()
