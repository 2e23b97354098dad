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
    NatsConnection,
    OutgoingMessage,
)
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.core.outbox.messages import OutboxMessage, add_to_outbox
from app.core.outbox.relay import relay_batch, run_relay
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


async def test_what_is_committed_leaves_with_its_headers(
    engine: AsyncEngine,
    nats: NatsConnection,
    subject: str,
) -> None:
    sent = message(subject)

    async with running(partial(run_relay, nats)):
        await commit(engine, sent)
        await until(lambda: all_left(engine))
    (found,) = await stored(nats, DEAD_LETTERS_STREAM, subject)
    assert found.data == sent.payload
    assert found.headers == sent.headers


async def test_what_is_rolled_back_never_leaves(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
) -> None:
    async with AsyncSession(engine) as session:
        await add_to_outbox(session, message(subject))
        await session.rollback()
    await commit(engine, message(subject, b"committed"))
    await relay_batch(relay_database, nats)
    assert await payloads(nats, subject) == [b"committed"]


async def test_messages_about_the_same_thing_leave_in_order(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
) -> None:
    numbers = [b"%d" % number for number in range(20)]
    await commit(engine, *(message(subject, number) for number in numbers), about="a thing")
    await relay_batch(relay_database, nats)
    assert await payloads(nats, subject) == numbers


async def test_what_no_stream_takes_is_set_aside_and_others_leave(
    engine: AsyncEngine,
    nats: NatsConnection,
    relay_database: OwnConnection,
    subject: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.outbox.relay.BATCH", 2)
    await commit(engine, *(message("nothing.here") for _ in range(2)))
    await commit(engine, message(subject))
    await relay_batch(relay_database, nats)
    await relay_batch(relay_database, nats)
    assert await payloads(nats, subject) == [b"text"]
    async with AsyncSession(engine) as session, session.begin():
        left = list(await session.scalars(select(OutboxMessage)))
        assert [one.error for one in left] == ["No stream has the subject nothing.here."] * 2
        for one in left:
            await session.delete(one)
