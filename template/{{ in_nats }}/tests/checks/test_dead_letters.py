"""What the command line says and does about dead letters."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from nats.js.api import StreamConfig

from app.core.config import Settings
from app.core.nats.connection import NatsConnection, OutgoingMessage
from app.core.nats.consumer import dead_letter
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from tests.commands import Ended, run
from tests.messages import connected, stored

KIND = "commands"


@pytest.fixture
async def nats(
    settings: Settings,
    environment: pytest.MonkeyPatch,
) -> AsyncIterator[NatsConnection]:
    """A connection to a server without dead letters."""
    async with connected(settings) as connection:
        await connection.js.purge_stream(DEAD_LETTERS_STREAM)
        yield connection
        await connection.js.purge_stream(DEAD_LETTERS_STREAM)


@pytest.fixture
async def subject(nats: NatsConnection) -> AsyncIterator[str]:
    """A subject with a stream of the test's own."""
    name = f"test-{uuid4().hex}"
    await nats.js.add_stream(StreamConfig(name=name, subjects=[f"{name}.>"]))
    yield f"{name}.subject"
    await nats.js.delete_stream(name)


async def dead(nats: NatsConnection, subject: str, payload: bytes, reason: str) -> str:
    """Make a dead letter of a message to `subject`; return its id."""
    message_id = uuid4().hex
    headers = {"Nats-Msg-Id": message_id, "Kept": "yes"}
    await nats.publish(OutgoingMessage(subject, payload, headers))
    subscription = await nats.js.pull_subscribe(subject, durable=message_id)
    for message in await subscription.fetch(100):
        if (message.headers or {})["Nats-Msg-Id"] == message_id:
            await dead_letter(nats, message, KIND, reason)
    await subscription.unsubscribe()
    found = await stored(nats, DEAD_LETTERS_STREAM, dead_letter_subject(KIND))
    return str(found[-1].seq)


@pytest.fixture
async def letter(nats: NatsConnection, subject: str) -> str:
    """The id of a dead letter that says `one`, and is followed by another."""
    first = await dead(nats, subject, b"one", "It broke.")
    await dead(nats, subject, b"two", "It broke.")
    return first


async def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ended:
    return await asyncio.to_thread(run, capsys, "dead-letters", *arguments)


async def letters(nats: NatsConnection) -> int:
    return len(await stored(nats, DEAD_LETTERS_STREAM, dead_letter_subject(">")))


async def test_they_are_listed_with_where_they_were_going_and_why_they_are_here(
    nats: NatsConnection,
    subject: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = await dead(nats, subject, b"one", "It broke.\nIn two lines.")
    second = await dead(nats, subject, b"two", "It broke again.")

    ended = await command(capsys)

    assert (ended.code, ended.errors) == (0, "")
    header, *lines = [line.split() for line in ended.output.splitlines()]
    assert header == ["id", "age", "deliveries", "subject", "reason"]
    assert [(line[0], *line[3:5]) for line in lines] == [
        (first, "1", subject),
        (second, "1", subject),
    ]
    assert "  It broke. In two lines.\n" in ended.output


async def test_one_that_is_replayed_goes_as_it_came_and_is_no_dead_letter_any_more(
    nats: NatsConnection,
    subject: str,
    letter: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = await command(capsys, "--replay", letter)

    assert (ended.code, ended.errors) == (0, ""), ended
    *_, again = await stored(nats, subject.partition(".")[0], subject)
    headers = again.headers or {}
    assert (again.data, headers.pop("Nats-Msg-Id")) == (
        b"one",
        f"again.{DEAD_LETTERS_STREAM}.{letter}",
    )
    assert headers == {"Kept": "yes"}
    assert await letters(nats) == 1


async def test_what_is_discarded_is_gone(
    nats: NatsConnection,
    subject: str,
    letter: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = await command(capsys, "--discard", letter)
    left = await letters(nats)
    rest = await command(capsys, "--discard", "--all")
    nothing = await command(capsys)

    assert (one.code, rest.code) == (0, 0)
    assert (left, await letters(nats)) == (1, 0)
    assert nothing.output == "There are none.\n"
    assert len(await stored(nats, subject.partition(".")[0], subject)) == 2
