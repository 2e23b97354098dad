"""Takes events from JetStream and gives them to this service's handlers."""

import asyncio
from collections import defaultdict
from contextlib import aclosing
from typing import Final

from loguru import logger
from nats.aio.msg import Msg

from app.common.request_context import REQUEST_ID_HEADER, request_id_context
from app.core.deliveries import dead_letter, deliveries, kept_alive, retry_delay
from app.core.errors import ServiceUnavailable
from app.core.event_broker import (
    AGGREGATE_ID_HEADER,
    EventBroker,
    EventHandler,
    UnmanageableEvent,
)
from app.core.nats_connection import NatsUnavailable
from app.events.streams import EVENTS_STREAM, event_consumer

BATCH: Final = 100
"""Events that a handler takes from the stream at once."""

CONCURRENCY: Final = 10
"""Events that one handler works on at the same time."""

HANDLER_TIMEOUT: Final = 60
"""Seconds that handling one event may take."""

FIRST_RETRY_DELAY: Final = 1.0
"""Seconds; doubled with each attempt."""


async def run_subscribers(broker: EventBroker, stop: asyncio.Event) -> None:
    """Give every handler its events until `stop` is set and what they work on then is done."""
    async with asyncio.TaskGroup() as group:
        for handler in broker.handlers.values():
            group.create_task(Subscriber(broker, handler, stop).run())


class Subscriber:
    """One handler's part of the work."""

    def __init__(self, broker: EventBroker, handler: EventHandler, stop: asyncio.Event) -> None:
        self.broker = broker
        self.connection = broker.opened
        self.handler = handler
        self.stop = stop
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def run(self) -> None:
        """Handle events until `stop` is set."""
        settings = self.connection.settings
        consumer = event_consumer(self.handler.name, self.handler.subject, settings)
        batches = deliveries(self.connection, EVENTS_STREAM, consumer, self._room)
        async with aclosing(batches):
            async for messages in batches:
                # In order where they are about the same thing, side by side where they are not.
                by_aggregate: defaultdict[str, list[Msg]] = defaultdict(list)
                for message in messages:
                    headers = message.headers or {}
                    by_aggregate[headers.get(AGGREGATE_ID_HEADER, message.reply)].append(message)
                await asyncio.gather(*map(self._settle_in_order, by_aggregate.values()))
                if self.stop.is_set():
                    return

    async def _room(self) -> int:
        return BATCH

    async def _settle_in_order(self, messages: list[Msg]) -> None:
        for message in messages:
            async with self._slots:
                if self.stop.is_set():
                    await message.nak()
                else:
                    await self._settle(message)

    async def _settle(self, message: Msg) -> None:
        """Have the event handled; or put it off, or make a dead letter of it."""
        settings = self.connection.settings
        attempts = message.metadata.num_delivered
        with request_id_context((message.headers or {}).get(REQUEST_ID_HEADER)):
            try:
                if attempts > settings.EVENT_MAX_DELIVERIES:
                    raise UnmanageableEvent("Every worker that handled it ended before it did.")
                await self._handle(message)
            except UnmanageableEvent as error:
                await self._give_up(message, str(error))
            except Exception as error:  # whatever it is, the others must go on
                reason = f"{type(error).__name__}: {error}"
                if attempts >= settings.EVENT_MAX_DELIVERIES:
                    await self._give_up(message, reason)
                    return
                delay = retry_delay(attempts, FIRST_RETRY_DELAY)
                await message.nak(delay)
                name = self.handler.name
                logger.warning("{} failed and runs again in {} s: {}", name, delay, reason)
            else:
                await message.ack()

    async def _handle(self, message: Msg) -> None:
        event = self.handler.read(message.data)
        ack_wait = self.connection.settings.EVENT_ACK_WAIT
        outages = 0
        while True:
            with kept_alive(message, every=ack_wait / 3, limit=HANDLER_TIMEOUT + ack_wait):
                try:
                    async with asyncio.timeout(HANDLER_TIMEOUT):
                        return await self.broker.handle(self.handler, event)
                except ServiceUnavailable as error:
                    # An outage is not the event's fault: it waits, and this is no failed attempt.
                    if self.stop.is_set():
                        raise
                    outages += 1
                    logger.warning("{} waits: {}", self.handler.name, error)
                    await asyncio.sleep(retry_delay(outages, FIRST_RETRY_DELAY))

    async def _give_up(self, message: Msg, reason: str) -> None:
        try:
            await dead_letter(self.connection, message, f"events.{self.handler.name}", reason)
        except NatsUnavailable:
            logger.warning("An event could not be put aside and will come again: {}", reason)
