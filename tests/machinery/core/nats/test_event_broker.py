"""Events, published to a real stream and handled from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import ClassVar
from uuid import UUID

import pytest

from app.core.config import Settings
from app.core.errors import ServiceUnavailable
from app.core.nats import subscribers
from app.core.nats.connection import NatsConnection, OutgoingMessage
from app.core.nats.event_broker import EventBroker
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.nats.pull import Pull
from app.core.nats.subscribers import run_subscribers
from app.core.request_id import get_request_id, request_id_context
from app.events.schemas import BaseEvent
from tests.messages import connected, dead_letter, running
from tests.polling import until

SUBJECT = "events.test.happened"


class Happened(BaseEvent):
    """Something happened in a test."""

    subject: ClassVar[str] = SUBJECT

    what: str = "it"
    number: int = 0

    @property
    def aggregate_id(self) -> str:
        return self.what


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection whose events have two attempts; other tests' events are gone."""
    async with connected(settings.model_copy(update={"EVENT_MAX_DELIVERIES": 2})) as connection:
        await connection.js.purge_stream(EVENTS_STREAM)
        yield connection
        for consumer in await connection.js.consumers_info(EVENTS_STREAM):
            await connection.js.delete_consumer(EVENTS_STREAM, consumer.name)


@pytest.fixture
async def broker(nats: NatsConnection, monkeypatch: pytest.MonkeyPatch) -> EventBroker:
    """A broker; the test declares its handlers, and `working` has them called."""
    monkeypatch.setattr(subscribers, "FIRST_RETRY_DELAY", 0.05)
    monkeypatch.setattr("app.core.nats.isolation.GATHERING_TIME", 0.02)
    broker = EventBroker()
    await broker.open(nats)
    return broker


def working(broker: EventBroker) -> AbstractAsyncContextManager[None]:
    """Handle events in this process; in the end, finish what is being handled."""
    return running(partial(run_subscribers, broker))


async def test_an_event_is_handled_on_behalf_of_the_request_that_caused_it(
    broker: EventBroker,
) -> None:
    got: asyncio.Queue[str | None] = asyncio.Queue()

    @broker.task(Happened)
    async def note(event: Happened) -> None:
        await got.put(get_request_id())

    with request_id_context("the-request"):
        await broker.publish(Happened())
    async with working(broker):
        assert await asyncio.wait_for(got.get(), 10) == "the-request"


async def test_events_about_the_same_thing_are_handled_in_order(broker: EventBroker) -> None:
    got: list[int] = []

    @broker.task(Happened)
    async def note(event: Happened) -> None:
        await asyncio.sleep(0.01 if event.number % 2 else 0)  # else any order would be right
        got.append(event.number)

    for number in range(20):
        await broker.publish(Happened(number=number))

    async def all_handled() -> bool:
        return len(got) == 20

    async with working(broker):
        await until(all_handled)
    assert got == list(range(20))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff", "It is no Happened: message: "),
        (b'{"number": "many"}', "It is no Happened: number: "),
    ],
)
async def test_a_malformed_event_becomes_a_dead_letter_and_others_are_handled(
    broker: EventBroker,
    nats: NatsConnection,
    payload: bytes,
    reason: str,
) -> None:
    got: asyncio.Queue[str] = asyncio.Queue()

    @broker.task(Happened)
    async def note(event: Happened) -> None:
        await got.put(event.what)

    await nats.publish(OutgoingMessage(SUBJECT, payload))
    await broker.publish(Happened(what="well-formed"))
    async with working(broker):
        assert await asyncio.wait_for(got.get(), 10) == "well-formed"
        letter = await dead_letter(nats, "events.note", payload)
    assert letter["Dead-Letter-Reason"].startswith(reason)


async def test_a_handler_that_takes_longer_than_the_ack_wait_is_called_once(
    broker: EventBroker,
    settings: Settings,
) -> None:
    steps: list[str] = []

    @broker.task(Happened)
    async def take_long(event: Happened) -> None:
        steps.append("begin")
        await asyncio.sleep(event.number / 1000)
        steps.append("end")

    async def has_ended() -> bool:
        return "end" in steps

    # A machine that is too busy to tell NATS in time is given more; untold, none would do.
    for ack_wait in (0.2, 1, 5):
        steps.clear()
        async with connected(settings.model_copy(update={"EVENT_ACK_WAIT": ack_wait})) as nats:
            await broker.open(nats)
            async with working(broker):
                await broker.publish(Happened(number=round(1500 * ack_wait)))
                await until(has_ended)
        if steps == ["begin", "end"]:
            break
    assert steps == ["begin", "end"]


async def test_an_outage_is_waited_for_and_costs_no_attempt(broker: EventBroker) -> None:
    attempts: asyncio.Queue[None] = asyncio.Queue()

    @broker.task(Happened)
    async def need_a_server(event: Happened) -> None:
        await attempts.put(None)
        if attempts.qsize() < 4:
            raise ServiceUnavailable

    await broker.publish(Happened())

    async def came_through() -> bool:
        return attempts.qsize() == 4

    async with working(broker):
        await until(came_through)


async def test_stopping_gives_back_what_was_not_begun(
    broker: EventBroker,
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got: list[int] = []
    go_on = asyncio.Event()
    leave = Pull.__aexit__

    async def leave_late(pull: Pull, *error: object) -> None:
        for _ in range(20):  # time for NATS to bring again what would be given back now
            await nats.client.flush()
        await leave(pull, *error)

    monkeypatch.setattr(Pull, "__aexit__", leave_late)

    @broker.task(Happened)
    async def note(event: Happened) -> None:
        got.append(event.number)
        if len(got) == 3:
            await go_on.wait()

    async def asks_for_more() -> bool:
        consumers = await nats.js.consumers_info(EVENTS_STREAM)
        return len(got) == 3 and consumers[0].num_waiting == 1

    for number in range(10):
        await broker.publish(Happened(number=number))
    async with working(broker):
        await until(asks_for_more)
        go_on.set()
    assert len(got) == 3
    (consumer,) = await nats.js.consumers_info(EVENTS_STREAM)
    assert consumer.delivered is not None
    assert consumer.delivered.consumer_seq == 10  # none came again to the one that gave it back

    async def all_handled() -> bool:
        return len(got) == 10

    async with working(broker):
        await until(all_handled)
    assert sorted(got) == list(range(10))


async def test_stopping_during_an_outage_gives_back_as_many_as_are_handled_at_once(
    broker: EventBroker,
) -> None:
    count = subscribers.CONCURRENCY + 1
    got: list[int] = []
    is_outage = True

    @broker.task(Happened)
    async def need_a_server(event: Happened) -> None:
        got.append(event.number)
        if is_outage:
            raise ServiceUnavailable

    async def all_wait() -> bool:
        return len(set(got)) == subscribers.CONCURRENCY

    async def all_handled() -> bool:
        return set(got) == set(range(count))

    for number in range(count):
        await broker.publish(Happened(what=str(number), number=number))
    async with asyncio.timeout(20):
        async with working(broker):
            await until(all_wait)
        is_outage = False
        got.clear()
        async with working(broker):
            await until(all_handled)
    assert len(got) == count


def test_a_handler_is_declared_by_a_class_with_a_subject() -> None:
    with pytest.raises(TypeError, match="BaseEvent has no subject"):
        EventBroker().task(BaseEvent)


async def test_an_event_without_an_id_keeps_the_one_it_is_given(
    broker: EventBroker,
    nats: NatsConnection,
) -> None:
    ids: list[UUID] = []

    @broker.task(Happened)
    async def fail_once(event: Happened) -> None:
        ids.append(event.event_id)
        if len(ids) == 1:
            raise RuntimeError("the first time")

    async def ran_twice() -> bool:
        return len(ids) == 2

    await nats.publish(OutgoingMessage(SUBJECT, b"{}"))  # by another program
    async with working(broker):
        await until(ran_twice)
    assert ids[0] == ids[1]


def test_two_handlers_have_two_names() -> None:
    broker = EventBroker()

    async def handler(event: Happened) -> None: ...

    broker.task(Happened)(handler)
    with pytest.raises(ValueError, match="Two handlers are called handler"):
        broker.task(Happened)(handler)
