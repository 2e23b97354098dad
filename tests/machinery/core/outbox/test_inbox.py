"""The inbox: a redelivered event changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.nats.event_broker import EventBroker
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.nats.streams import DEAD_LETTERS_MAX_AGE, DEAD_LETTERS_STREAM
from app.core.outbox import inbox
from app.core.outbox.inbox import InboxEntry, handle_once, prune_inbox
from app.events.schemas import BaseEvent
from tests.messages import connected, running

SUBJECT = "events.test.happened"


class Happened(BaseEvent):
    """Something happened in a test."""

    subject: ClassVar[str] = SUBJECT


async def entries(session: AsyncSession, event_id: UUID) -> int:
    statement = select(func.count()).where(InboxEntry.event_id == event_id)
    return await session.scalar(statement) or 0


async def test_each_handler_handles_the_event(session: AsyncSession) -> None:
    broker, handled = EventBroker(), []

    @broker.task(Happened)
    async def first(event: Happened) -> None:
        handled.append("first")

    @broker.task(Happened)
    async def second(event: Happened) -> None:
        handled.append("second")

    event = Happened()
    for handler in broker.handlers.values():
        await handle_once(handler, event)
    assert handled == ["first", "second"]
    assert await entries(session, event.event_id) == 2


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection."""
    async with connected(settings) as connection:
        yield connection


async def an_old_and_a_new_entry(session: AsyncSession, age: float) -> tuple[Happened, Happened]:
    old, new = Happened(), Happened()
    session.add_all(InboxEntry(event_id=one.event_id, handler="note") for one in (old, new))
    await session.flush()
    long_ago = func.now() - timedelta(seconds=age)
    await session.execute(
        update(InboxEntry).where(InboxEntry.event_id == old.event_id).values(handled_at=long_ago),
    )
    await session.commit()
    return old, new


async def prune(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
    *failures: Exception,
) -> None:
    """Have the inbox pruned until that has succeeded, after these failures."""
    prune_once, to_come, succeeded = inbox._prune, list(failures), asyncio.Event()

    async def fail_or_prune(connection: NatsConnection) -> None:
        if to_come:
            raise to_come.pop()
        await prune_once(connection)
        succeeded.set()

    monkeypatch.setattr(inbox, "_prune", fail_or_prune)
    monkeypatch.setattr(inbox, "PRUNE_INTERVAL", 0.05)
    async with running(partial(prune_inbox, nats)):
        await asyncio.wait_for(succeeded.wait(), 10)


async def test_entries_go_when_their_event_cannot_come_again(
    session: AsyncSession,
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    age = DEAD_LETTERS_MAX_AGE + 3 * nats.settings.EVENT_MAX_AGE
    old, new = await an_old_and_a_new_entry(session, age)
    await prune(nats, monkeypatch, DBAPIError("DELETE", None, Exception("the first time")))
    assert await entries(session, old.event_id) == 0
    assert await entries(session, new.event_id) == 1


async def test_entries_stay_while_their_event_may_come_again_from_the_dead_letters(
    session: AsyncSession,
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, _ = await an_old_and_a_new_entry(session, timedelta(days=20).total_seconds())
    await prune(nats, monkeypatch)
    assert await entries(session, old.event_id) == 1


@pytest.mark.parametrize("stream", [EVENTS_STREAM, DEAD_LETTERS_STREAM])
@pytest.mark.parametrize("factor", [0, 2])
async def test_entries_stay_for_longer_where_a_stream_keeps_messages_for_longer(
    session: AsyncSession,
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
    stream: str,
    factor: int,
) -> None:
    declared = (await nats.js.stream_info(stream)).config
    await nats.js.update_stream(declared.evolve(max_age=factor * (declared.max_age or 0)))
    try:
        age = DEAD_LETTERS_MAX_AGE + 3 * nats.settings.EVENT_MAX_AGE
        old, _ = await an_old_and_a_new_entry(session, age)
        await prune(nats, monkeypatch)
        assert await entries(session, old.event_id) == 1
    finally:
        await nats.js.update_stream(declared)
