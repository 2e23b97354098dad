"""The end of programs that are traced."""

import asyncio

from tests.observability.observed import Observed, observed

__all__ = ["observed"]


async def test_both_programs_end_though_the_collector_does_not_answer(observed: Observed) -> None:
    observed.collector.answers.clear()
    await observed.cause_all()
    await asyncio.gather(observed.api.stop(), observed.worker.stop())
    assert "Application shutdown complete" in observed.api.log.read_text()
    assert "The worker has ended." in observed.worker.log.read_text()
