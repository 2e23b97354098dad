"""The outbox: what is committed leaves, once and in order; what is rolled back does not."""

from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.config import Settings
from app.core.dialect import OwnConnection, own_connection
from app.core.nats.connection import (
    MAX_MESSAGE_SIZE,
    MessageTooLarge,
    NatsConnection,
    OutgoingMessage,
)
from app.core.nats.resource import ensure_streams
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.core.outbox.messages import OutboxMessage, add_to_outbox
from app.core.outbox.relay import relay_batch, run_relay
from tests.machinery.ending_late import ending_late
from tests.messages import connected, running, stored
from tests.polling import until


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection."""
    async with connected(settings) as connection:
        yield connection


@pytest.fixture
async def relay_database(settings: Settings) -> AsyncIterator[OwnConnection]:
    """A connection such as the relay has."""
    async with own_connection(settings, "test") as connection:
        yield connection


@pytest.fixture
def engine(app: FastAPI) -> AsyncEngine:
    """The application's engine: what is committed through it is there for the relay."""
    engine: AsyncEngine = app.state.resources["database"]
    return engine


@pytest.fixture
def subject() -> str:
    """A subject of this test's own, which one of the streams takes."""
    return dead_letter_subject(f"test.{uuid4().hex}")


def message(subject: str, payload: bytes = b"text") -> OutgoingMessage:
    return OutgoingMessage(subject, payload, {"Nats-Msg-Id": uuid4().hex})


async def commit(engine: AsyncEngine, *messages: OutgoingMessage, about: str | None = None) -> None:
    async with AsyncSession(engine) as session, session.begin():
        for one in messages:
            await add_to_outbox(session, one, aggregate_id=about)


async def payloads(nats: NatsConnection, subject: str) -> list[bytes | None]:
    return [one.data for one in await stored(nats, DEAD_LETTERS_STREAM, subject)]


async def all_left(engine: AsyncEngine) -> bool:
    async with AsyncSession(engine) as session:
        return await session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


async def test_a_relay_that_ends_between_publishing_and_deleting_sends_nothing_twice(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
) -> None:
    sent = message(subject)
    await commit(engine, sent)
    await nats.publish(sent)  # and here the first relay ended
    assert await relay_batch(relay_database, nats) == 1
    assert await payloads(nats, subject) == [sent.payload]
    assert await all_left(engine)


async def test_what_jetstream_will_never_take_is_set_aside_and_others_leave(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add(
            OutboxMessage(
                subject=subject,
                aggregate_id="a thing",
                headers={},
                payload=bytes(MAX_MESSAGE_SIZE + 1),
            ),
        )
    await commit(engine, message(subject), about="a thing")
    assert await relay_batch(relay_database, nats) == 1
    assert await payloads(nats, subject) == [b"text"]
    async with AsyncSession(engine) as session, session.begin():
        (left,) = await session.scalars(select(OutboxMessage))
        assert left.error is not None
        assert left.error.startswith("The message is larger")
        await session.delete(left)


async def test_what_is_for_a_stream_that_is_not_set_up_yet_waits(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
) -> None:
    await nats.js.delete_stream(DEAD_LETTERS_STREAM)
    try:
        await commit(engine, message(subject))
        assert await relay_batch(relay_database, nats) == 0
    finally:
        await ensure_streams(nats.js, nats.settings)
    assert await relay_batch(relay_database, nats) == 1


async def test_what_is_too_large_is_refused_where_it_is_written(
    engine: AsyncEngine,
    subject: str,
) -> None:
    with pytest.raises(MessageTooLarge):
        await commit(engine, message(subject, bytes(MAX_MESSAGE_SIZE + 1)))


async def test_one_relay_is_active_and_another_takes_over_when_it_is_gone(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.outbox.relay.STANDBY_INTERVAL", 0.1)
    active = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"

    async def active_relay() -> int | None:
        rows = await relay_database.read(active)
        return rows[0]["pid"] if rows else None

    relay = partial(run_relay, nats)
    async with running(relay), running(relay):
        first = await until(active_relay)
        await relay_database.read(f"SELECT pg_terminate_backend({first})")

        async def another_is_active() -> bool:
            return await active_relay() not in {None, first}

        await until(another_is_active)
        await commit(engine, message(subject))
        await until(lambda: all_left(engine))
    assert await payloads(nats, subject) == [b"text"]


async def test_the_relay_goes_on_after_a_connection_that_is_about_to_end(
    engine: AsyncEngine,
    settings: Settings,
    subject: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.outbox.relay.STANDBY_INTERVAL", 0.1)
    async with ending_late(settings) as (ending, say_farewell), connected(ending) as nats:
        async with running(partial(run_relay, nats)):
            await commit(engine, message(subject))
            await until(lambda: all_left(engine))
            await say_farewell()
            await commit(engine, message(subject, b"later"))
            await until(lambda: all_left(engine))
        assert await payloads(nats, subject) == [b"text", b"later"]
