"""The inbox records handled events, so that a redelivered event changes nothing."""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

import nats.errors
from loguru import logger
from sqlalchemy import Index, Text, delete, func
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, get_session_context
from app.core.dialect import TIME_INDEX, insert_or_ignore
from app.core.errors import ServiceUnavailable
from app.core.nats.base_event import BaseEvent
from app.core.nats.connection import NatsConnection
from app.core.nats.event_broker import EventHandler
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.nats.streams import DEAD_LETTERS_STREAM

PRUNE_INTERVAL: Final = 3600
"""Seconds between two removals of expired entries."""


class InboxEntry(Base):
    """An event that a handler has finished."""

    __tablename__ = "inbox"
    # BRIN: rows come in the order of time, and only pruning reads by it.
    __table_args__ = (Index(None, "handled_at", **TIME_INDEX),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(server_default=func.now())


_TABLE = Base.metadata.tables[InboxEntry.__tablename__]
_NOTE = insert_or_ignore(_TABLE).returning(_TABLE.c.event_id)


async def handle_once(handler: EventHandler, event: BaseEvent) -> None:
    """Handle `event` and record it in the same transaction; skip it if it is recorded already.

    A handler with a second parameter gets the session of that transaction: what it writes there is
    written exactly once. Other effects may be repeated after a crash.
    """
    async with get_session_context() as session:
        is_new = await session.scalar(
            _NOTE,
            {"event_id": event.event_id, "handler": handler.name},
        )
        if is_new is None:
            logger.debug("{} has already handled event {}", handler.name, event.event_id)
        elif _takes_session(handler.function):
            await handler.function(event, session)
        else:
            await handler.function(event)


@cache
def _takes_session(function: Callable[..., object]) -> bool:
    return len(inspect.signature(function).parameters) > 1


async def prune_inbox(connection: NatsConnection, stop: asyncio.Event) -> None:
    """Remove entries of events that can no longer be redelivered, until `stop` is set."""
    while not stop.is_set():
        try:
            await _prune(connection)
        except (ServiceUnavailable, DBAPIError, TimeoutError, nats.errors.Error) as error:
            logger.warning("The inbox was not pruned: {}", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(PRUNE_INTERVAL):
                await stop.wait()


async def _prune(connection: NatsConnection) -> None:
    # A replayed dead letter reaches all handlers, also those that have handled it. It may be
    # replayed at the end of the stream's retention, and is then kept for that long once more.
    in_stream = await _max_age(connection, EVENTS_STREAM)
    put_aside = await _max_age(connection, DEAD_LETTERS_STREAM)
    if not in_stream or not put_aside:
        return
    age = timedelta(seconds=put_aside + 2 * max(in_stream, connection.settings.EVENT_MAX_AGE))
    async with get_session_context() as session:
        await session.execute(delete(InboxEntry).where(InboxEntry.handled_at < func.now() - age))


async def _max_age(connection: NatsConnection, stream: str) -> float:
    """Return the retention of `stream` in seconds; 0: unlimited. Other services may change it."""
    return (await connection.js.stream_info(stream)).config.max_age or 0
