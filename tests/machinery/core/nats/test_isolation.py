"""Messages that may be what ends the workers."""

import asyncio
from contextlib import suppress

import pytest

from app.core.nats.isolation import PoisonIsolation


@pytest.fixture(autouse=True)
def _gathering_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.nats.isolation.GATHERING_TIME", 0.02)


async def test_one_goes_at_a_time_and_the_lowest_first() -> None:
    turns, going, gone = PoisonIsolation(), set[int](), list[int]()

    async def go(order: int) -> None:
        await turns.acquire(order)
        going.add(order)
        assert going == {order}
        await asyncio.sleep(0)
        going.remove(order)
        gone.append(order)
        turns.release()

    await asyncio.gather(*(go(order) for order in (3, 1, 2)))
    assert gone == [1, 2, 3]


async def test_who_is_canceled_holds_up_nobody() -> None:
    turns = PoisonIsolation()
    waiting = [asyncio.create_task(turns.acquire(order)) for order in (1, 2, 3)]
    await waiting[0]
    waiting[1].cancel()
    turns.release()
    waiting[2].cancel()  # when it is its turn already
    with suppress(asyncio.CancelledError):
        await waiting[2]
    async with asyncio.timeout(10):
        await turns.acquire(4)
