"""The inbox: a redelivered event changes nothing."""

from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.nats.event_broker import EventBroker, EventHandler
from app.core.outbox.inbox import InboxEntry, handle_once
from app.events.schemas import BaseEvent

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
    broker, handled = EventBroker(), []

    @broker.task(Happened)
    async def note(event: Happened) -> None:
        handled.append(event)

    event = Happened()
    await handle_once(handler_of(broker), event)
    await handle_once(handler_of(broker), event)
    assert handled == [event]
    assert await entries(session, event.event_id) == 1


async def test_what_a_handler_writes_is_kept_or_lost_together_with_the_note(
    session: AsyncSession,
) -> None:
    broker, fails = EventBroker(), True
    other = Happened()

    @broker.task(Happened)
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
