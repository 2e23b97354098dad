"""The connection to NATS, as the resource that the programs open."""

from uuid import uuid4

import pytest
from fastapi import FastAPI

from app.core.config import Settings
from app.core.jetstream import StreamMissing, check_nats
from app.core.nats_connection import (
    MAX_MESSAGE_SIZE,
    MessageTooLarge,
    NatsConnection,
    NatsUnavailable,
    OutgoingMessage,
)
from app.events.streams import DEAD_LETTERS_STREAM, dead_letter_subject, ensure_streams
from tests.messages import connected, stored

SUBJECT = dead_letter_subject("test")


@pytest.fixture
def nats(app: FastAPI) -> NatsConnection:
    """The application's connection."""
    connection: NatsConnection = app.state.resources["nats"]
    return connection


def message(payload: bytes = b"text") -> OutgoingMessage:
    return OutgoingMessage(SUBJECT, payload, {"Nats-Msg-Id": uuid4().hex})


async def test_its_check_names_the_version_and_the_streams(nats: NatsConnection) -> None:
    found = await check_nats(nats)
    assert found.startswith("NATS 2.")
    assert DEAD_LETTERS_STREAM in found


async def test_its_check_names_a_stream_that_is_missing(
    nats: NatsConnection,
    settings: Settings,
) -> None:
    await nats.js.delete_stream(DEAD_LETTERS_STREAM)
    try:
        with pytest.raises(StreamMissing, match=DEAD_LETTERS_STREAM):
            await check_nats(nats)
    finally:
        await ensure_streams(nats.js, settings)


async def test_a_message_that_is_sent_twice_is_stored_once(nats: NatsConnection) -> None:
    twice = message()
    await nats.publish(twice)
    await nats.publish(twice)
    found = await stored(nats, DEAD_LETTERS_STREAM, SUBJECT)
    ids = [(one.headers or {})["Nats-Msg-Id"] for one in found]
    assert ids.count(twice.headers["Nats-Msg-Id"]) == 1


async def test_a_message_that_is_too_large_is_refused_with_advice(nats: NatsConnection) -> None:
    with pytest.raises(MessageTooLarge, match="pass its key"):
        await nats.publish(message(bytes(MAX_MESSAGE_SIZE + 1)))


async def test_the_largest_message_does_not_cut_the_connection(nats: NatsConnection) -> None:
    await nats.publish(message(bytes(MAX_MESSAGE_SIZE)))
    assert nats.client.stats["reconnects"] == 0


async def test_publishing_fails_at_once_where_no_stream_takes_it(nats: NatsConnection) -> None:
    with pytest.raises(NatsUnavailable, match=r"No stream takes nothing\.here"):
        await nats.publish(OutgoingMessage("nothing.here", b"text"))


async def test_publishing_fails_at_once_on_a_connection_that_is_closed(settings: Settings) -> None:
    async with connected(settings) as connection:
        pass
    with pytest.raises(NatsUnavailable):
        await connection.publish(message())
