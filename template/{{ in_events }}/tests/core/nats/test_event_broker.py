"""Events, published to a real stream and handled from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import ClassVar
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.nats import subscribers
from app.core.nats.connection import NatsConnection
from app.core.nats.event_broker import EventBroker
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.nats.subscribers import run_subscribers
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


async def test_every_handler_gets_the_event(broker: EventBroker) -> None:
    got: asyncio.Queue[tuple[str, Happened]] = asyncio.Queue()

    @broker.task(Happened)
    async def first(event: Happened) -> None:
        await got.put(("first", event))

    @broker.task(Happened, subject="events.test.*")
    async def second(event: Happened) -> None:
        await got.put(("second", event))

    event = Happened(what="the thing")
    await broker.publish(event)
    async with working(broker):
        both = [await asyncio.wait_for(got.get(), 10) for _ in range(2)]
    assert sorted(both, key=lambda pair: pair[0]) == [("first", event), ("second", event)]


async def test_a_failing_handler_is_called_again_and_others_go_on(broker: EventBroker) -> None:
    failing: list[str] = []
    going_on: list[str] = []

    @broker.task(Happened)
    async def fail_once(event: Happened) -> None:
        failing.append(event.what)
        if failing.count(event.what) == 1:
            raise RuntimeError("the first time")

    @broker.task(Happened)
    async def go_on(event: Happened) -> None:
        going_on.append(event.what)

    await broker.publish(Happened(what="one"))
    await broker.publish(Happened(what="two"))

    async def all_handled() -> bool:
        return len(failing) == 4

    async with working(broker):
        await until(all_handled)
    assert sorted(failing) == ["one", "one", "two", "two"]
    assert sorted(going_on) == ["one", "two"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [("as always", "as always"), ("no text: \udcff", r"no text: \udcff")],
)
async def test_an_event_that_cannot_be_handled_becomes_a_dead_letter(
    broker: EventBroker,
    nats: NatsConnection,
    told: str,
    kept: str,
) -> None:
    attempts: list[str] = []

    @broker.task(Happened)
    async def always_fail(event: Happened) -> None:
        attempts.append(event.what)
        raise RuntimeError(told)

    word = uuid4().hex
    await broker.publish(Happened(what=word))
    async with working(broker):
        letter = await dead_letter(nats, "events.always_fail", word.encode())
    assert letter["Dead-Letter-Reason"] == f"RuntimeError: {kept}"
    assert letter["Dead-Letter-Subject"] == SUBJECT
    assert attempts == [word, word]


async def test_an_event_that_is_published_twice_arrives_once(
    broker: EventBroker,
    nats: NatsConnection,
) -> None:
    event = Happened()
    await broker.publish(event)
    await broker.publish(event)
    assert (await nats.js.stream_info(EVENTS_STREAM)).state.messages == 1
