"""What the checks say about backing services that fail in one way or another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.checks import report
from app.checks.report import Finding, Inspection, examine, examine_all, explained, table
from app.core.config import Settings
from app.core.resource import Resource, StartupError


@asynccontextmanager
async def opened(_settings: Settings) -> AsyncIterator[str]:
    yield "handle"


@asynccontextmanager
async def refused(settings: Settings) -> AsyncIterator[str]:
    if settings.STARTUP_TIMEOUT <= 1:  # a check does not wait for a server that may be starting
        raise StartupError("The thing at host:1\ndoes not answer.") from OSError("refused")
    yield "there at last"


async def works(handle: str) -> str:
    return f"{handle} 1.0"


async def hangs(_handle: str) -> str:
    return await asyncio.Event().wait() and "never"


WORKING = Resource("working", opened, works)


async def test_a_resource_that_works_is_reported_with_what_it_is(settings: Settings) -> None:
    finding = await examine(WORKING, settings, None)

    assert (finding.ok, finding.detail) == (True, "handle 1.0")
    assert finding.seconds is not None


async def test_one_that_does_not_open_is_reported_in_one_line(settings: Settings) -> None:
    finding = await examine(Resource("refused", refused, works), settings, None)

    assert finding == Finding(
        "refused",
        ok=False,
        seconds=None,
        detail="The thing at host:1 does not answer.",
    )


def test_an_error_that_says_little_is_explained_by_its_cause() -> None:
    error = RuntimeError("It does not answer.")
    error.__cause__ = OSError("refused by host:1")

    assert explained(error) == "It does not answer. (refused by host:1)"
    assert explained(RuntimeError()) == "RuntimeError"


async def test_one_that_hangs_is_given_up(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "ANSWER_LIMIT", 0.01)

    finding = await examine(Resource("hanging", opened, hangs), settings, None)

    assert (finding.ok, finding.seconds) == (False, None)
    assert "did not respond within" in finding.detail


async def test_what_a_closer_look_found_before_it_failed_is_kept(settings: Settings) -> None:
    async def look(_settings: Settings, handle: str) -> AsyncIterator[str]:
        yield f"looked at {handle}"
        raise ValueError("something is odd")

    finding = await examine(WORKING, settings, Inspection(opened, look), closely=True)

    assert finding.notes == ("looked at handle",)
    assert (finding.ok, finding.detail) == (False, "something is odd")


async def test_an_inspection_may_ask_for_more_than_the_resource_does(settings: Settings) -> None:
    async def look(_settings: Settings, handle: str) -> AsyncIterator[str]:
        yield f"looked at {handle}"

    async def is_not_set_up(handle: str) -> str:
        raise StartupError(f"The {handle} is not set up.")

    finding = await examine(WORKING, settings, Inspection(opened, look, (is_not_set_up,)))

    assert (finding.ok, finding.detail) == (False, "The handle is not set up.")
    assert finding.notes == ()


async def test_one_failure_hides_no_other_resource(settings: Settings) -> None:
    resources = [Resource("refused", refused, works), WORKING]

    findings = await examine_all(resources, settings, {})

    assert [(finding.name, finding.ok) for finding in findings] == [
        ("refused", False),
        ("working", True),
    ]


def test_the_table_has_a_line_for_each_and_its_columns_stand_in_line() -> None:
    lines = table(
        [
            Finding("archives", ok=True, seconds=0.0123, detail="Archive 18.6"),
            Finding("other", ok=False, seconds=None, detail="does not answer"),
        ],
    ).splitlines()

    assert lines == [
        "name      state   latency  detail",
        "archives  ok        12 ms  Archive 18.6",
        "other     FAILED        -  does not answer",
    ]
