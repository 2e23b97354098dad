"""The inbox: an event that comes again changes nothing."""

import asyncio
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.event_broker import EventBroker, EventHandler
from app.core.inbox import InboxEntry, handle_once, prune_inbox
from app.events.schemas import BaseEvent
from tests.polling import until

SUBJECT = "events.test.happened"


class Happened(BaseEvent):
    """Something happened in a test."""

    subject: ClassVar[str] = SUBJECT


def handler_of(broker: EventBroker) -> EventHandler:
    (handler,) = broker.handlers.values()
    return handler


async def entries(session: AsyncSession, event_id: UUID) -> int:
    statement = select(func.count()).where(InboxEntry.event_id == event_id)
    return await session.scalar(statement) or 0


async def test_an_event_that_comes_again_is_not_handled_again(session: AsyncSession) -> None:
    broker, handled = EventBroker(handle_once), []

    @broker.task(SUBJECT)
    async def note(event: Happened) -> None:
        handled.append(event)

    event = Happened()
    await handle_once(handler_of(broker), event)
    await handle_once(handler_of(broker), event)
    assert handled == [event]
    assert await entries(session, event.event_id) == 1


async def test_each_handler_handles_the_event(session: AsyncSession) -> None:
    broker, handled = EventBroker(handle_once), []

    @broker.task(SUBJECT)
    async def first(event: Happened) -> None:
        handled.append("first")

    @broker.task(SUBJECT)
    async def second(event: Happened) -> None:
        handled.append("second")

    event = Happened()
    for handler in broker.handlers.values():
        await handle_once(handler, event)
    assert handled == ["first", "second"]
    assert await entries(session, event.event_id) == 2


async def test_what_a_handler_writes_is_kept_or_lost_together_with_the_note(
    session: AsyncSession,
) -> None:
    broker, fails = EventBroker(handle_once), True
    other = Happened()

    @broker.task(SUBJECT)
    async def write(event: Happened, session: AsyncSession) -> None:
        session.add(InboxEntry(event_id=other.event_id, handler="written by the handler"))
        await session.flush()
        if fails:
            raise RuntimeError("the first time")

    event = Happened()
    with pytest.raises(RuntimeError):
        await handle_once(handler_of(broker), event)
    assert await entries(session, event.event_id) == 0
    assert await entries(session, other.event_id) == 0
    fails = False
    await handle_once(handler_of(broker), event)
    assert await entries(session, event.event_id) == 1
    assert await entries(session, other.event_id) == 1


async def test_entries_go_when_the_stream_cannot_bring_their_event_again(
    session: AsyncSession,
    settings: Settings,
) -> None:
    old, new = Happened(), Happened()
    session.add_all(InboxEntry(event_id=one.event_id, handler="note") for one in (old, new))
    await session.flush()
    long_ago = func.now() - timedelta(seconds=3 * settings.EVENT_MAX_AGE)
    await session.execute(
        update(InboxEntry).where(InboxEntry.event_id == old.event_id).values(handled_at=long_ago),
    )
    await session.commit()
    stop = asyncio.Event()
    pruning = asyncio.create_task(prune_inbox(settings, stop))

    async def is_gone() -> bool:
        return await entries(session, old.event_id) == 0

    await until(is_gone)
    stop.set()
    await pruning
    assert await entries(session, new.event_id) == 1
