"""Open and check backing services, and report the results."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from app.core.config import Settings
from app.core.resource import Resource, StartupError

T = TypeVar("T")

ANSWER_LIMIT = 10.0
"""Timeout for one backing service, in seconds, such as at an address that drops packets."""


@dataclass(frozen=True, slots=True)
class Inspection(Generic[T]):
    """How the command line inspects one backing service.

    Attributes:
        open: as the resource's, but it sets nothing up and binds nothing of this process to it.
        look: a closer look, given the settings and the handle: yields a line for each thing found.
        checks: what the resource's own check, which readiness asks for all the time, leaves out:
            each returns a line, or raises when something is wrong.
        prepare: brings about what the service expects to find there; safe to repeat. None where it
            expects nothing. It raises a StartupError or DomainError, whose text says what is wrong.
    """

    open: Callable[[Settings], AbstractAsyncContextManager[T]]
    look: Callable[[Settings, T], AsyncIterator[str]]
    checks: tuple[Callable[[T], Awaitable[str]], ...] = ()
    prepare: Callable[[Settings], Awaitable[object]] | None = None

    def also(self, check: Callable[[T], Awaitable[str]]) -> "Inspection[T]":
        """Return a copy with one more check."""
        return replace(self, checks=(*self.checks, check))


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one backing service.

    Attributes:
        name: the name of the resource.
        ok: whether it works.
        seconds: the duration of its check; None if it could not be opened.
        detail: what it is, or what is wrong.
        notes: the lines of a closer look.
    """

    name: str
    ok: bool
    seconds: float | None
    detail: str
    notes: tuple[str, ...] = ()


async def examine(
    resource: Resource[Any],
    settings: Settings,
    inspection: Inspection[Any] | None,
    *,
    closely: bool = False,
) -> Finding:
    """Open and check `resource`; every error becomes a finding.

    Args:
        resource: the backing service.
        settings: the settings of the service.
        inspection: how to open it and look closer; without one, the resource's own `open`.
        closely: whether to look closer before the check.
    """
    seconds = None
    notes: list[str] = []
    # A person is waiting: one attempt is better than waiting for a server that may be starting.
    settings = settings.model_copy(update={"STARTUP_TIMEOUT": 1.0})
    opened = inspection.open(settings) if inspection else resource.open(settings)
    try:
        async with asyncio.timeout(ANSWER_LIMIT), opened as handle:
            if inspection is not None and closely:
                async for note in inspection.look(settings, handle):
                    notes.append(note)
            started = time.perf_counter()
            detail = await resource.check(handle)
            seconds = time.perf_counter() - started
            for check in inspection.checks if inspection else ():
                line = await check(handle)
                if closely:
                    notes.append(line)
    except TimeoutError:
        fault = f"did not respond within {ANSWER_LIMIT:.0f} seconds"
        return Finding(resource.name, False, seconds, fault, tuple(notes))
    except Exception as error:  # any error of a driver is the finding
        return Finding(resource.name, False, seconds, explained(error), tuple(notes))
    return Finding(resource.name, True, seconds, detail, tuple(notes))


async def examine_all(
    resources: Iterable[Resource[Any]],
    settings: Settings,
    inspections: dict[str, Inspection[Any]],
) -> list[Finding]:
    """Examine the resources concurrently; the findings are in the order of the resources."""
    return await asyncio.gather(
        *(examine(resource, settings, inspections.get(resource.name)) for resource in resources),
    )


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as a table of text: name, state, latency, detail."""
    rows = [("name", "state", "latency", "detail")]
    for finding in findings:
        state = "ok" if finding.ok else "FAILED"
        latency = "-" if finding.seconds is None else f"{finding.seconds * 1000:.0f} ms"
        rows.append((finding.name, state, latency.rjust(len("latency")), finding.detail))
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def explained(error: Exception) -> str:
    """Return the error's text in one line, with its cause unless the text contains it."""
    text = " ".join(str(error).split()) or type(error).__name__
    cause = " ".join(str(error.__cause__ or "").split())
    return f"{text} ({cause})" if cause and not isinstance(error, StartupError) else text
