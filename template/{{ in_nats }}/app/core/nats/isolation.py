"""Poison isolation: a message that may crash its worker runs alone, so that it harms no other."""

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
"""Seconds for which suspects are collected before they are put in order."""


class PoisonIsolation:
    """A lock that is granted to the waiter with the lowest order."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._is_taken = False

    async def acquire(self, order: float) -> None:
        """Wait for the lock; `release` returns it."""
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        heapq.heappush(self._waiting, (order, next(self._numbers), mine))
        if not self._is_taken:
            self._is_taken = True
            loop.call_later(GATHERING_TIME, self.release)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # the lock was already granted to us
                self.release()
            raise

    def release(self) -> None:
        """Grant the lock to the next waiter."""
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
    """Run the block at once; on the last two deliveries of `message`, one message at a time.

    A message that crashes its worker interrupts all messages that run beside it, on each delivery:
    without isolation they would all become dead letters. On the last delivery but one the oldest
    suspects run first, on the last delivery the newest. So every other message is finished on one
    of the two: those before the poison message on the first, those after it on the second.
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
