"""A pull client for JetStream consumers that loses no message when it is stopped."""

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
"""Lifetime of one pull request, in seconds."""

ANSWER_TIME: Final = 5
"""Seconds after that in which JetStream must report the end of the request."""

GATHERING_TIME: Final = 0.01
"""Seconds to wait for many free slots when there are few."""

DRAIN_TIMEOUT: Final = 1
"""Seconds."""

_SECOND: Final = 1_000_000_000  # in JetStream's nanoseconds
_REQUEST_IS_OVER: Final = {StatusCode.NO_MESSAGES.value, StatusCode.REQUEST_TIMEOUT.value}


class ConsumerLost(Exception):
    """The consumer no longer responds. The text is the reason."""


class Slots:
    """Limits the number of messages in progress."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._is_closed = False
        self._has_any = asyncio.Event()
        self._has_much = asyncio.Event()
        self._count(0)

    def acquire(self) -> None:
        """Take a slot: work on a message begins."""
        self._count(1)

    def release(self) -> None:
        """Free a slot: work on a message has ended."""
        self._count(-1)

    def close(self) -> None:
        """Offer no slots anymore, and wake the waiter."""
        self._is_closed = True
        self._count(0)

    async def available(self) -> int:
        """Wait for a free slot, and return how many are free; 0 when closed."""
        await self._has_any.wait()
        if not self._has_much.is_set():  # short work frees many slots in a moment
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
    """Requests messages of one consumer as slots are free; an async context manager.

    nats-py's own `fetch()` creates a task for each message, stalls silently when the consumer is
    deleted, and drops messages that arrive while it is canceled, until they are redelivered.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._subject = f"{DEFAULT_PREFIX}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._connections = client.stats["reconnects"]
        self._arrived: deque[Msg] = deque()
        self._expected = 0  # messages that the open request may still bring
        self._answer_is_due = 0.0
        self._lost: str | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._on_message)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cancel the request; messages that it has brought in the meantime go to another worker."""
        with suppress(TimeoutError, nats.errors.Error):
            if self._client.is_connected:
                async with asyncio.timeout(DRAIN_TIMEOUT):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py's
            else:  # the request ended with the connection
                await self._subscription.unsubscribe()
        with suppress(nats.errors.Error):
            for message in self._arrived:
                await message.nak()

    async def next(self, slots: Slots) -> Msg | None:
        """Return a message; None if none came within a second, or `wake` was called.

        Raises:
            ConsumerLost: the consumer must be declared again, or NATS is or was unreachable. The
                open request may still bring messages, so use a new `Pull`; they are redelivered.
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
        self._raise_if_lost()  # the client would buffer the request until NATS is reachable
        loop = asyncio.get_running_loop()
        # A second open request could bring more messages than there are slots.
        self._expected = count
        self._answer_is_due = loop.time() + REQUEST_TIMEOUT + ANSWER_TIME
        request = {"batch": count, "expires": int(REQUEST_TIMEOUT * _SECOND)}
        await self._client.publish(self._subject, json.dumps(request).encode(), self._inbox)

    def _raise_if_lost(self) -> None:
        """Raise ConsumerLost if the open request may never get a response."""
        if self._lost is not None:
            raise ConsumerLost(self._lost)
        if not self._client.is_connected:
            raise ConsumerLost("NATS is unreachable")
        if self._client.stats["reconnects"] != self._connections:
            raise ConsumerLost("NATS was unreachable")
        if self._expected and asyncio.get_running_loop().time() >= self._answer_is_due:
            raise ConsumerLost("JetStream does not respond")

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
