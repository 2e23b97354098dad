"""Consume events from JetStream and call this service's handlers."""

import asyncio
from contextlib import ExitStack, aclosing, suppress
from functools import partial
from math import inf
from typing import Final

import nats.errors
from loguru import logger
from nats.aio.msg import Msg

from app.core.errors import ServiceUnavailable
from app.core.nats.connection import NatsUnavailable
from app.core.nats.consumer import ack_heartbeat, consume, dead_letter, retry_delay
from app.core.nats.event_broker import (
    AGGREGATE_ID_HEADER,
    EventBroker,
    EventHandler,
    InvalidEvent,
    propagated,
)
from app.core.nats.event_streams import EVENTS_STREAM, event_consumer
from app.core.nats.isolation import isolate_if_suspect
from app.core.nats.pull import Slots

CONCURRENCY: Final = 10
"""Events that one handler works on at the same time."""

HANDLER_TIMEOUT: Final = 60
"""Timeout of one call of a handler, in seconds."""

FIRST_RETRY_DELAY: Final = 1.0
"""Seconds; doubled with each attempt."""


async def run_subscribers(broker: EventBroker, stop: asyncio.Event) -> None:
    """Run all handlers until `stop` is set; finish the events in progress first."""
    async with asyncio.TaskGroup() as group:
        for handler in broker.handlers.values():
            group.create_task(Subscriber(broker, handler, stop).run())


class Subscriber:
    """Consumes the events of one handler."""

    def __init__(self, broker: EventBroker, handler: EventHandler, stop: asyncio.Event) -> None:
        self.connection = broker.opened
        self.handler = handler
        self.stop = stop
        self._call = broker.handle
        self._slots = Slots(CONCURRENCY)
        self._last: dict[str, asyncio.Task[None]] = {}  # by what the events are about
        self._takes_no_more = asyncio.Event()

    async def run(self) -> None:
        """Handle events until `stop` is set.

        Events of the same aggregate are handled one after another, in order while none fails and
        one worker runs. A handler must not depend on the order: a failed event is redelivered after
        later ones, and another worker may handle an event of the same aggregate at the same time.
        """
        consumer = event_consumer(
            self.handler.name,
            self.handler.subject,
            self.connection.settings,
        )
        messages = consume(self.connection, EVENTS_STREAM, consumer, self._slots, self.stop)
        async with asyncio.TaskGroup() as group:
            async with aclosing(messages):
                async for message in messages:
                    self._slots.acquire()
                    aggregate_id = (message.headers or {}).get(AGGREGATE_ID_HEADER, message.reply)
                    before = self._last.get(aggregate_id)
                    task = group.create_task(self._finish_after(before, message))
                    self._last[aggregate_id] = task
                    task.add_done_callback(partial(self._forget, aggregate_id))
            self._takes_no_more.set()

    def _forget(self, aggregate_id: str, task: asyncio.Task[None]) -> None:
        if self._last[aggregate_id] is task:
            del self._last[aggregate_id]

    async def _finish_after(self, before: asyncio.Task[None] | None, message: Msg) -> None:
        ack_wait = self.connection.settings.EVENT_ACK_WAIT
        # Without a limit: each attempt has its own.
        with ExitStack() as place, ack_heartbeat(message, ack_wait, limit=inf):
            place.callback(self._slots.release)
            if before is not None:
                await asyncio.wait({before})
            try:
                if self.stop.is_set():
                    await self._return_to_queue(message)
                    return
                async with isolate_if_suspect(
                    message,
                    max_deliveries=self.connection.settings.EVENT_MAX_DELIVERIES,
                    ack_wait=ack_wait,
                ):
                    await self._finish(message, place)
            except nats.errors.Error as error:
                logger.warning("An event could not be finished and will be redelivered: {}", error)

    async def _finish(self, message: Msg, place: ExitStack) -> None:
        """Handle the event and acknowledge it; defer it or make it a dead letter if that fails.

        `place` is closed when the handler has returned, before the acknowledgment: the next event
        of the aggregate may start then.
        """
        settings = self.connection.settings
        attempts = message.metadata.num_delivered
        with propagated(message.headers or {}):
            try:
                if attempts > settings.EVENT_MAX_DELIVERIES:
                    raise InvalidEvent("It was delivered too often, and no worker finished it.")
                await self._handle(message)
            except InvalidEvent as error:
                await self._reject(message, str(error))
            except ServiceUnavailable:
                await self._return_to_queue(message)
            except Exception as error:  # one failed handler must not stop the others
                reason = f"{type(error).__name__}: {error}"
                if attempts >= settings.EVENT_MAX_DELIVERIES:
                    await self._reject(message, reason)
                    return
                delay = retry_delay(attempts, FIRST_RETRY_DELAY)
                await message.nak(delay)
                name = self.handler.name
                logger.warning("{} failed and runs again in {} s: {}", name, delay, reason)
            else:
                place.close()
                await self.connection.acknowledge(message)

    async def _handle(self, message: Msg) -> None:
        """Handle the event. Wait while a server is unavailable: that does not count as a failure.

        Raises:
            ServiceUnavailable: a server was still unavailable when `stop` was set.
        """
        metadata = message.metadata
        origin = f"{metadata.stream}.{metadata.sequence.stream}"
        event = self.handler.read(message.data, origin)
        outages = 0
        while True:
            try:
                async with asyncio.timeout(HANDLER_TIMEOUT):
                    return await self._call(self.handler, event)
            except ServiceUnavailable as error:
                if self.stop.is_set():
                    raise
                outages += 1
                logger.warning("{} waits: {}", self.handler.name, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(retry_delay(outages, FIRST_RETRY_DELAY)):
                    await self.stop.wait()

    async def _return_to_queue(self, message: Msg) -> None:
        """Return `message` to the stream for another worker, after this one stopped consuming."""
        await self._takes_no_more.wait()
        await message.nak()

    async def _reject(self, message: Msg, reason: str) -> None:
        try:
            await dead_letter(self.connection, message, f"events.{self.handler.name}", reason)
        except (NatsUnavailable, nats.errors.Error) as error:
            logger.warning(
                "An event could not be rejected and will be redelivered: {} ({})",
                reason,
                error,
            )
