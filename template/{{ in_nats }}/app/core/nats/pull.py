"""Asking a JetStream consumer for messages, without losing one when the asking ends."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import Final, Self

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DEFAULT_PREFIX, Header, StatusCode

REQUEST_TIMEOUT: Final = 1
"""Seconds that one request for messages stands."""

ANSWER_TIME: Final = 5
"""Seconds after that in which JetStream's word that the request is over has to come."""

GATHERING_TIME: Final = 0.01
"""Seconds to wait for slots for many messages where there is slots for few."""

DRAIN_TIMEOUT: Final = 1
"""Seconds."""

_SECOND: Final = 1_000_000_000  # in JetStream's nanoseconds
_REQUEST_IS_OVER: Final = {StatusCode.NO_MESSAGES.value, StatusCode.REQUEST_TIMEOUT.value}


class ConsumerLost(Exception):
    """The consumer does not answer any more. The text is JetStream's reason."""


class Slots:
    """How many messages may be worked on at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._is_closed = False
        self._has_any = asyncio.Event()
        self._has_much = asyncio.Event()
        self._count(0)

    def acquire(self) -> None:
        """Take note that work on a message begins."""
        self._count(1)

    def release(self) -> None:
        """Take note that work on a message has ended."""
        self._count(-1)

    def close(self) -> None:
        """Have no slots any more: who waits for it need not wait until work has ended."""
        self._is_closed = True
        self._count(0)

    async def available(self) -> int:
        """Return for how many messages there is slots, once there is for one; 0 when closed."""
        await self._has_any.wait()
        if not self._has_much.is_set():  # short work makes slots for many in a moment
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING_TIME):
                    await self._has_much.wait()
        return 0 if self._is_closed else self._limit - self._used

    def _count(self, change: int) -> None:
        self._used += change
        free = self._limit - self._used
        for event, needed in ((self._has_any, 1), (self._has_much, (self._limit + 1) // 2)):
            if self._is_closed or free >= needed:
                event.set()
            else:
                event.clear()


class Pull:
    """The messages of one consumer, asked for as there is room; used as a context manager.

    nats-py's own `fetch()` makes a task for each message, stalls in silence when the consumer is
    gone, and loses what arrives while it is cancelled until that is delivered again.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._subject = f"{DEFAULT_PREFIX}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._connections = client.stats["reconnects"]
        self._arrived: deque[Msg] = deque()
        self._expected = 0  # messages that the request which stands may still bring
        self._answer_is_due = 0.0
        self._lost: str | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._on_message)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take the request back; what it has brought in the meantime goes to another worker."""
        with suppress(TimeoutError, nats.errors.Error):
            if self._client.is_connected:
                async with asyncio.timeout(DRAIN_TIMEOUT):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py's
            else:  # the request went with the connection
                await self._subscription.unsubscribe()
        with suppress(nats.errors.Error):
            for message in self._arrived:
                await message.nak()

    async def next(self, slots: Slots) -> Msg | None:
        """Return a message; None if none came within a second, or `wake` was called.

        Raises:
            ConsumerLost: it has to be declared anew, or NATS is or was away. It may still bring
                messages, so it takes another `Pull` to ask again: these go to the next worker.
        """
        if not self._arrived:
            self._news.clear()
            if not self._expected:
                count = await slots.available()
                if count:
                    await self._request(count)
            with suppress(TimeoutError):
                async with asyncio.timeout(REQUEST_TIMEOUT):
                    await self._news.wait()
        if not self._arrived:
            self._raise_if_lost()
        return self._arrived.popleft() if self._arrived else None

    def wake(self) -> None:
        """Make `next` return."""
        self._news.set()

    async def _request(self, count: int) -> None:
        self._raise_if_lost()  # the client would keep the request back until NATS is there again
        loop = asyncio.get_running_loop()
        # A second request while one stands could bring more than there is slots for.
        self._expected = count
        self._answer_is_due = loop.time() + REQUEST_TIMEOUT + ANSWER_TIME
        request = {"batch": count, "expires": int(REQUEST_TIMEOUT * _SECOND)}
        await self._client.publish(self._subject, json.dumps(request).encode(), self._inbox)

    def _raise_if_lost(self) -> None:
        """Raise ConsumerLost if the request that stands may never be answered."""
        if self._lost is not None:
            raise ConsumerLost(self._lost)
        if not self._client.is_connected:
            raise ConsumerLost("NATS is away")
        if self._client.stats["reconnects"] != self._connections:
            raise ConsumerLost("NATS was away")
        if self._expected and asyncio.get_running_loop().time() >= self._answer_is_due:
            raise ConsumerLost("JetStream does not answer")

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            self._arrived.append(message)
            self._expected -= 1
        else:
            headers = message.headers or {}
            status = headers.get(Header.STATUS)
            self._expected = 0
            if status not in _REQUEST_IS_OVER:
                self._lost = f"{status} {headers.get(Header.DESCRIPTION, '')}".strip()
        self._news.set()
