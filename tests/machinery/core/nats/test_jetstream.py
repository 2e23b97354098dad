"""The connection to NATS, as the resource that the programs open."""

import asyncio
import inspect
from uuid import uuid4

import pytest
from fastapi import FastAPI
from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo
from nats.js.errors import APIError

from app.core.config import Settings
from app.core.nats.connection import (
    MAX_MESSAGE_SIZE,
    MessageRefused,
    MessageTooLarge,
    NatsConnection,
    NatsUnavailable,
    OutgoingMessage,
)
from app.core.nats.consumer import MAX_DELAY, consume, retry_delay
from app.core.nats.pull import ConsumerLost, Pull, Slots
from app.core.nats.resource import StreamMissing, check_nats, ensure_streams
from app.core.nats.streams import DEAD_LETTERS_STREAM, IncompatibleStream, dead_letter_subject
from tests.machinery.streams import refusing, useless_dead_letters
from tests.messages import connected, stored
from tests.polling import until

SUBJECT = dead_letter_subject("test")


@pytest.fixture
def nats(app: FastAPI) -> NatsConnection:
    """The application's connection."""
    connection: NatsConnection = app.state.resources["nats"]
    return connection


def message(payload: bytes = b"text") -> OutgoingMessage:
    return OutgoingMessage(SUBJECT, payload, {"Nats-Msg-Id": uuid4().hex})


def test_the_delay_stays_within_its_limit_however_long_an_outage_lasts() -> None:
    assert [retry_delay(attempts, 1.0) for attempts in (1, 2, 7, 100_000)] == [1, 2, 60, MAX_DELAY]


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


async def test_its_check_names_a_stream_that_is_of_no_use(nats: NatsConnection) -> None:
    async with useless_dead_letters(nats):
        with pytest.raises(IncompatibleStream, match="retention is workqueue and should be limits"):
            await check_nats(nats)


async def test_its_check_bears_a_stream_that_another_release_changes(
    nats: NatsConnection,
    settings: Settings,
) -> None:
    found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    await nats.js.update_stream(found.evolve(duplicate_window=30))
    try:
        assert DEAD_LETTERS_STREAM in await check_nats(nats)
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
    with pytest.raises(NatsUnavailable, match=r"No stream has the subject nothing\.here"):
        await nats.publish(OutgoingMessage("nothing.here", b"text"))


async def test_what_a_stream_refuses_is_refused_at_once(nats: NatsConnection) -> None:
    async with refusing(nats, DEAD_LETTERS_STREAM):
        with pytest.raises(MessageRefused, match="message size exceeds maximum allowed"):
            await nats.publish(message())


async def test_nats_py_needs_the_private_parts_of_it_that_are_used(nats: NatsConnection) -> None:
    """Once it does not, its issue 985 is solved: take out `_JetStream`, and the upper bound."""
    js = nats.client.jetstream()

    async def was_lost() -> bool:
        return isinstance(nats.last_error, APIError)

    async with refusing(nats, DEAD_LETTERS_STREAM):
        ack = await js.publish_async(SUBJECT, b"text")
        assert list(js._publish_async_futures.values()) == [ack]
        await until(was_lost)
    assert not ack.done()
    assert inspect.iscoroutinefunction(JetStreamContext._handle_async_reply)


@pytest.mark.parametrize("subject", ["", "two words", "no..name", "all.>", "line\r\nbreak"])
async def test_what_is_no_subject_is_refused(nats: NatsConnection, subject: str) -> None:
    with pytest.raises(MessageRefused):
        await nats.publish(OutgoingMessage(subject, b"text"))


@pytest.mark.parametrize(("name", "value"), [("two words", "x"), ("", "x"), ("Name", "\udcff")])
async def test_what_is_no_header_is_refused_and_holds_up_nothing(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setattr(nats, "js", nats.client.jetstream(publish_async_max_pending=1))
    for _ in range(2):
        with pytest.raises(MessageRefused, match=f"'{name}': .* is not a valid header"):
            await nats.publish(OutgoingMessage(SUBJECT, b"text", {name: value}))
    async with asyncio.timeout(10):
        await nats.publish(message())


async def test_too_many_messages_without_an_answer_are_an_outage(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.nats.connection.ACK_TIMEOUT", 0.05)
    monkeypatch.setattr(nats, "js", nats.client.jetstream(publish_async_max_pending=0))
    publishing = asyncio.create_task(nats.publish(message()))
    has_ended, _ = await asyncio.wait({publishing}, timeout=10)
    publishing.cancel()  # nats-py would say the same to who is canceled
    assert has_ended
    with pytest.raises(NatsUnavailable):
        await publishing


async def test_a_connection_that_closes_while_it_publishes_is_an_outage(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise nats_errors.ConnectionClosedError

    monkeypatch.setattr(nats.js, "publish_async", fail)
    with pytest.raises(NatsUnavailable):
        await nats.publish(message())


async def test_publishing_fails_at_once_on_a_connection_that_is_closed(settings: Settings) -> None:
    async with connected(settings) as connection:
        pass
    with pytest.raises(NatsUnavailable):
        await connection.publish(message())


async def test_a_burst_brings_no_more_than_there_is_room_for_though_answers_are_late(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # JetStream ends a request after two seconds, and the worker expects it at once.
    monkeypatch.setattr("app.core.nats.pull.REQUEST_TIMEOUT", 0.1)
    monkeypatch.setattr("app.core.nats.pull._SECOND", 20_000_000_000)
    monkeypatch.setattr("app.core.nats.pull.ANSWER_TIME", 0)
    monkeypatch.setattr("app.core.nats.consumer.RETRY_INTERVAL", 0.01)
    subject, name = dead_letter_subject(f"test.{uuid4().hex}"), uuid4().hex
    consumer = ConsumerConfig(name=name, durable_name=name, filter_subject=subject)
    slots, stop = Slots(5), asyncio.Event()
    requests: list[Msg] = []

    async def note(request: Msg) -> None:
        requests.append(request)

    async def take() -> None:
        async for _ in consume(connection, DEAD_LETTERS_STREAM, consumer, slots, stop):
            slots.acquire()

    async def look() -> ConsumerInfo:
        found: ConsumerInfo = await connection.js.consumer_info(DEAD_LETTERS_STREAM, name)
        return found

    async def asked_three_times() -> bool:
        return len(requests) >= 3

    async def nothing_is_asked_for() -> bool:
        found = await look()
        return found.num_waiting == 0 and (found.num_ack_pending or 0) >= 5

    async with connected(settings) as connection:
        await connection.client.subscribe(f"$JS.API.CONSUMER.MSG.NEXT.*.{name}", cb=note)
        taking = asyncio.create_task(take())
        await until(asked_three_times)
        messages = [OutgoingMessage(subject, b"")] * 15
        await asyncio.gather(*map(connection.publish, messages))
        await until(nothing_is_asked_for)
        assert (await look()).num_ack_pending == 5
        stop.set()
        for _ in range(5):
            slots.release()
        await taking
        await connection.js.delete_consumer(DEAD_LETTERS_STREAM, name)


async def test_nothing_is_asked_for_while_nats_is_away(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Pull(nats.client, DEAD_LETTERS_STREAM, "any") as pull:
        with monkeypatch.context() as patch:
            patch.setattr(Client, "is_connected", False)
            with pytest.raises(ConsumerLost, match="unreachable"):
                await pull.next(Slots(5))
