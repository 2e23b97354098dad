"""Tasks, sent and run on a real stream."""

import asyncio
import threading
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from loguru import logger

from app.core.config import Settings
from app.core.errors import ServiceUnavailable
from app.core.nats.connection import NatsConnection, OutgoingMessage
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.core.request_id import get_request_id, request_id_context
from app.core.tasks import broker as task_broker
from app.core.tasks.broker import CustomJetStreamBroker
from app.core.tasks.streams import TASKS_SUBJECT, tasks_consumer
from tests.machinery.streams import refusing
from tests.messages import connected, dead_letter, running, stored
from tests.polling import until


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection whose tasks have two attempts."""
    async with connected(settings.model_copy(update={"TASK_MAX_DELIVERIES": 2})) as connection:
        yield connection


@pytest.fixture
async def broker(nats: NatsConnection, monkeypatch: pytest.MonkeyPatch) -> CustomJetStreamBroker:
    """A broker; the test declares its tasks, and `run` runs them."""
    monkeypatch.setattr(task_broker, "FIRST_RETRY_DELAY", 0.05)
    monkeypatch.setattr("app.core.nats.isolation.GATHERING_TIME", 0.02)
    broker = CustomJetStreamBroker()
    await broker.open(nats)
    return broker


@pytest.fixture
async def worker(broker: CustomJetStreamBroker) -> AsyncIterator[None]:
    """A worker while the test runs."""
    async with running(broker.work):
        yield


@pytest.mark.usefixtures("worker")
async def test_a_task_runs_on_behalf_of_the_request_that_sent_it(
    broker: CustomJetStreamBroker,
) -> None:
    done: asyncio.Queue[str | None] = asyncio.Queue()

    @broker.task
    async def note() -> None:
        await done.put(get_request_id())

    with request_id_context("the-request"):
        await note.kiq()
    assert await asyncio.wait_for(done.get(), 10) == "the-request"


@pytest.mark.usefixtures("worker")
async def test_a_function_that_is_not_async_runs_beside_the_others(
    broker: CustomJetStreamBroker,
) -> None:
    done: list[int] = []

    @broker.task
    def note(number: int) -> None:
        done.append(number)

    await note.kiq(1)

    async def is_done() -> bool:
        return done == [1]

    await until(is_done)


@pytest.mark.usefixtures("worker")
async def test_an_outage_is_no_failed_attempt(broker: CustomJetStreamBroker) -> None:
    attempts: asyncio.Queue[None] = asyncio.Queue()

    @broker.task(max_retries=1)
    async def need_a_server() -> None:
        await attempts.put(None)
        if attempts.qsize() < 3:
            raise ServiceUnavailable

    await need_a_server.kiq()

    async def came_through() -> bool:
        return attempts.qsize() == 3

    await until(came_through)


async def test_a_function_that_goes_on_after_its_timeout_does_not_hold_up_the_end(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    may_end = threading.Event()

    @broker.task(timeout=0.1, max_retries=1)
    def hang(word: str) -> None:
        may_end.wait(10)

    word = uuid4().hex
    try:
        async with asyncio.timeout(5), running(broker.work):
            await hang.kiq(word)
            await dead_letter(nats, "tasks", word.encode())
        assert not may_end.is_set()
    finally:
        may_end.set()


async def test_a_task_that_takes_longer_than_the_ack_wait_runs_once(
    broker: CustomJetStreamBroker,
    settings: Settings,
) -> None:
    steps: list[str] = []

    @broker.task
    async def take_long(seconds: float) -> None:
        steps.append("begin")
        await asyncio.sleep(seconds)
        steps.append("end")

    async def has_ended() -> bool:
        return "end" in steps

    # A machine that is too busy to tell NATS in time is given more; untold, none would do.
    for ack_wait in (0.2, 1, 5):
        steps.clear()
        async with connected(settings.model_copy(update={"TASK_ACK_WAIT": ack_wait})) as nats:
            await broker.open(nats)
            async with running(broker.work):
                await take_long.kiq(1.5 * ack_wait)
                await until(has_ended)
        if steps == ["begin", "end"]:
            break
    assert steps == ["begin", "end"]


@pytest.mark.usefixtures("worker")
async def test_what_nobody_can_run_becomes_a_dead_letter_and_others_run(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    done = asyncio.Event()

    @broker.task
    async def note() -> None:
        done.set()

    elsewhere = CustomJetStreamBroker()  # the worker never knows what is declared there
    await elsewhere.open(nats)

    @elsewhere.task("no longer there")
    async def gone(word: str) -> None: ...

    word = uuid4().hex
    garbage = b"\xff" + word.encode()
    await nats.publish(OutgoingMessage(TASKS_SUBJECT, garbage))
    await gone.kiq(word)
    await note.kiq()
    await asyncio.wait_for(done.wait(), 10)
    letter = await dead_letter(nats, "tasks", garbage)
    assert letter["Dead-Letter-Reason"].startswith("It cannot be read:")
    letter = await dead_letter(nats, "tasks", f'"{word}"'.encode())
    assert letter["Dead-Letter-Reason"] == "There is no task no longer there."


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("size", "kept"), [(1_020_000, True), (1_048_500, False)])
async def test_the_largest_message_becomes_a_dead_letter_and_others_run(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
    size: int,
    kept: bool,
) -> None:
    done = asyncio.Event()

    @broker.task
    async def note() -> None:
        done.set()

    garbage = b"\xff" * size
    ack = await nats.js.publish(TASKS_SUBJECT, garbage)  # by another program
    await note.kiq()
    await asyncio.wait_for(done.wait(), 10)

    async def letters() -> list[bytes | None]:
        found = await stored(nats, DEAD_LETTERS_STREAM, dead_letter_subject("tasks"))
        return [
            letter.data
            for letter in found
            if (letter.headers or {})["Nats-Msg-Id"].startswith(f"dead.{ack.stream}.{ack.seq}.")
        ]

    (payload,) = await until(letters)
    assert (payload or b"") == (garbage if kept else b"")


@pytest.mark.usefixtures("worker")
async def test_a_dead_letter_that_is_refused_is_tried_again_later_until_it_is_kept(
    nats: NatsConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.nats.consumer.MAX_DELAY", 0.1)
    said: list[str] = []
    handler = logger.add(said.append, level="ERROR", format="{message}")
    garbage = b"\xff" + uuid4().hex.encode()

    async def was_refused_twice() -> bool:
        return sum("as a dead letter" in line for line in said) == 2

    async with refusing(nats, DEAD_LETTERS_STREAM):
        await nats.publish(OutgoingMessage(TASKS_SUBJECT, garbage))
        await until(was_refused_twice)
    logger.remove(handler)
    letter = await dead_letter(nats, "tasks", garbage)
    assert letter["Dead-Letter-Reason"].startswith("It cannot be read:")


async def test_a_task_that_ends_its_workers_becomes_a_dead_letter(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    @broker.task
    async def end_the_worker(word: str) -> None: ...

    word = uuid4().hex
    await end_the_worker.kiq(word)
    consumer = tasks_consumer(nats.settings)
    await nats.js.add_consumer(nats.settings.NATS_STREAM, consumer)
    subscription = await nats.js.pull_subscribe_bind(
        consumer=consumer.durable_name,
        stream=nats.settings.NATS_STREAM,
    )
    for _ in range(nats.settings.TASK_MAX_DELIVERIES):
        (message,) = await subscription.fetch()
        await message.nak()  # as JetStream does when the worker is gone
    async with running(broker.work):
        letter = await dead_letter(nats, "tasks", word.encode())
    assert letter["Dead-Letter-Reason"] == "It was delivered too often, and no worker finished it."


@pytest.mark.usefixtures("worker")
async def test_a_task_that_is_sent_twice_with_one_id_runs_once(
    broker: CustomJetStreamBroker,
) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()

    @broker.task
    async def note(number: int) -> None:
        await done.put(number)

    task_id = uuid4().hex
    await note.kicker().with_task_id(task_id).kiq(1)
    await note.kicker().with_task_id(task_id).kiq(2)
    await note.kiq(3)
    assert [await asyncio.wait_for(done.get(), 10) for _ in range(2)] == [1, 3]


async def test_stopping_gives_back_what_did_not_begin(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    @broker.task
    async def note(number: int) -> None:
        begun.append(number)
        await go_on.wait()

    async def any_began() -> bool:
        return bool(begun)

    async def all_began() -> bool:
        return len(set(begun)) == count

    count = 3 * nats.settings.TASK_CONCURRENCY
    for number in range(count):
        await note.kiq(number)
    async with running(broker.work):
        await until(any_began)
        go_on.set()
    assert len(begun) < count
    async with running(broker.work):
        await until(all_began)
    assert sorted(begun) == list(range(count))
