"""Tasks, sent and run on a real stream."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.tasks import broker as task_broker
from app.core.tasks.broker import CustomJetStreamBroker
from tests.messages import connected, dead_letter, running
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
async def test_a_task_runs_with_its_arguments(broker: CustomJetStreamBroker) -> None:
    done: asyncio.Queue[tuple[UUID, datetime]] = asyncio.Queue()

    @broker.task
    async def note(one: UUID, two: datetime) -> None:
        await done.put((one, two))

    sent = (uuid4(), datetime.now(UTC))
    await note.kiq(*sent)
    assert await asyncio.wait_for(done.get(), 10) == sent


@pytest.mark.usefixtures("worker")
async def test_a_task_that_fails_once_runs_again(broker: CustomJetStreamBroker) -> None:
    attempts: asyncio.Queue[float] = asyncio.Queue()

    @broker.task
    async def fail_once() -> None:
        await attempts.put(time.monotonic())
        if attempts.qsize() == 1:
            raise RuntimeError("the first time")

    await fail_once.kiq()

    async def ran_twice() -> bool:
        return attempts.qsize() == 2

    await until(ran_twice)


@pytest.mark.usefixtures("worker")
async def test_a_task_that_always_fails_becomes_a_dead_letter(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    attempts: list[str] = []

    @broker.task
    async def always_fail(word: str) -> None:
        attempts.append(word)
        raise RuntimeError("as always")

    word = uuid4().hex
    await always_fail.kiq(word)
    headers = await dead_letter(nats, "tasks", word.encode())
    assert headers["Dead-Letter-Reason"] == "RuntimeError: as always"
    assert attempts == [word, word]


@pytest.mark.usefixtures("worker")
async def test_a_task_ends_at_its_timeout(
    broker: CustomJetStreamBroker,
    nats: NatsConnection,
) -> None:
    @broker.task(timeout=0.1, max_retries=1)
    async def hang(word: str) -> None:
        await asyncio.Event().wait()

    word = uuid4().hex
    await hang.kiq(word)
    headers = await dead_letter(nats, "tasks", word.encode())
    assert headers["Dead-Letter-Reason"].startswith("TimeoutError")


@pytest.mark.usefixtures("worker")
async def test_a_task_with_a_delay_runs_later(broker: CustomJetStreamBroker) -> None:
    done: asyncio.Queue[float] = asyncio.Queue()

    @broker.task
    async def note() -> None:
        await done.put(time.monotonic())

    sent = time.monotonic()
    await note.kicker().with_labels(delay=0.3).kiq()
    assert await asyncio.wait_for(done.get(), 10) >= sent + 0.3
