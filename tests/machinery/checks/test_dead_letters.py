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


async def test_one_is_shown_with_what_it_says(
    letter: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = await command(capsys, letter)

    assert ended.output.endswith("It broke.\n\none\n")
    assert "two" not in ended.output


async def test_all_of_them_are_replayed_but_those_whose_payload_was_not_kept(
    nats: NatsConnection,
    subject: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await dead(nats, subject, b"one", "It broke.")
    empty = await dead(nats, subject, b"", "It broke.")
    await dead(nats, subject, b"three", "It broke.")

    ended = await command(capsys, "--replay", "--all")

    assert ended.code == 1
    assert ended.errors == f"{empty} cannot be sent again: Its payload was not kept.\n"
    sent = await stored(nats, subject.partition(".")[0], subject)
    assert [message.data for message in sent[-2:]] == [b"one", b"three"]
    assert await letters(nats) == 1


@pytest.mark.usefixtures("nats")
@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--replay", "123456"), 1, "There is no dead letter 123456."),
        (("--discard",), 2, "name the ids, or pass --all"),
        (("--discard", "--all", "1"), 2, "name ids or pass --all, not both"),
        (("--discard", "--replay", "1"), 2, "choose one"),
    ],
)
async def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    ended = await command(capsys, *arguments)

    assert ended.code == code
    assert reason in ended.errors
    assert "Traceback" not in ended.errors
