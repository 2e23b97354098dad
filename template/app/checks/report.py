"""Opens and checks backing services one by one, and writes down what came of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.config import Settings
from app.core.resource import Resource

ANSWER_LIMIT = 10.0
"""Seconds that one backing service may take in all; an address that swallows packets takes longer."""

Inspection = Callable[[Settings, Any], AsyncIterator[str]]
"""A closer look, given the settings and an open handle: yields a line for each thing found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one backing service.

    Attributes:
        name: the resource's.
        ok: whether it works.
        seconds: how long its check took, once it was open; None where it did not get so far.
        detail: what it is, or what is wrong.
        notes: what a closer look found.
    """

    name: str
    ok: bool
    seconds: float | None
    detail: str
    notes: tuple[str, ...] = ()


async def examine(
    resource: Resource[Any],
    settings: Settings,
    inspection: Inspection | None = None,
) -> Finding:
    """Open and check `resource`, then look closer with `inspection`; never raises for its faults."""
    seconds = None
    notes: list[str] = []
    # Somebody looks on: one attempt tells more than waiting for a server that may be starting.
    settings = settings.model_copy(update={"STARTUP_TIMEOUT": 1.0})
    try:
        async with asyncio.timeout(ANSWER_LIMIT), resource.open(settings) as handle:
            started = time.perf_counter()
            detail = await resource.check(handle)
            seconds = time.perf_counter() - started
            if inspection is not None:
                async for note in inspection(settings, handle):
                    notes.append(note)
    except TimeoutError:
        fault = f"gave no answer within {ANSWER_LIMIT:.0f} seconds"
        return Finding(resource.name, False, seconds, fault, tuple(notes))
    except Exception as error:  # whatever a driver raises is the finding
        return Finding(resource.name, False, seconds, _one_line(error), tuple(notes))
    return Finding(resource.name, True, seconds, detail, tuple(notes))


async def examine_all(resources: Iterable[Resource[Any]], settings: Settings) -> list[Finding]:
    """Examine the resources side by side; the findings come in the resources' order."""
    return await asyncio.gather(*(examine(resource, settings) for resource in resources))


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as a table of text: name, state, latency, detail."""
    rows = [
        ("name", "state", "latency", "detail"),
        *(
            (
                finding.name,
                "ok" if finding.ok else "FAILED",
                "-" if finding.seconds is None else f"{finding.seconds * 1000:.0f} ms",
                finding.detail,
            )
            for finding in findings
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {state:<{widths[1]}}  {latency:>{widths[2]}}  {detail}"
        for name, state, latency, detail in rows
    )


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
