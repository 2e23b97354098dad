"""Messages that may be what ends the workers take turns, so that they do not take others along."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from math import inf
from typing import Final

from nats.aio.msg import Msg

from app.core.nats.consumer import ack_heartbeat

GATHERING_TIME: Final = 0.5
"""Seconds in which those that come together are put in order."""


class PoisonIsolation:
    """Lets one go at a time, the lowest first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._is_taken = False

    async def acquire(self, order: float) -> None:
        """Return when it is the turn of who calls; `release` ends it."""
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        heapq.heappush(self._waiting, (order, next(self._numbers), mine))
        if not self._is_taken:
            self._is_taken = True
            loop.call_later(GATHERING_TIME, self.release)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it was our turn already
                self.release()
            raise

    def release(self) -> None:
        """Let the next one go."""
        while self._waiting:
            *_, next_one = heapq.heappop(self._waiting)
            if not next_one.cancelled():
                next_one.set_result(None)
                return
        self._is_taken = False


_isolation: Final = PoisonIsolation()


@asynccontextmanager
async def isolate_if_suspect(
    message: Msg,
    *,
    max_deliveries: int,
    ack_wait: float,
) -> AsyncIterator[None]:
    """Do at once what is inside; on the last two deliveries of `message` only when no other is.

    What ends its worker takes along all that runs beside it, each time: all of it would become
    dead letters together. Before the last delivery the oldest go first, on the last one the newest:
    so whatever stands before the culprit one time, or behind it the other, is done by then.
    """
    left = max_deliveries - message.metadata.num_delivered
    if message.metadata.num_delivered == 1 or left not in {0, 1}:
        yield
        return
    stored_at = message.metadata.timestamp.timestamp()
    with ack_heartbeat(message, ack_wait, limit=inf):
        await _isolation.acquire(-stored_at if left == 0 else stored_at)
    try:
        yield
    finally:
        _isolation.release()
