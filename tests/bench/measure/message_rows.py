"""Messages per second: publishing, the outbox, handlers and tasks, each with one worker."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import limit_tasks
from nats.js.errors import NotFoundError
from taskiq import AsyncBroker

from app.core.broker import events_broker
from app.core.nats.connection import NatsConnection
from app.core.nats.event_streams import EVENTS_STREAM, event_consumer
from app.core.tasks.streams import tasks_consumer
from app.events.schemas import BaseEvent
from app.features.bench.tasks import Heard, Noted, Unheard, do_nothing, hear, note
from app.lifespan import open_resources
from measure.programs import BenchError, Program
from measure.rows import Row, Target
from measure.setting import Setting

GROUPS = ("publish", "tasks", "events", "relay")
SENDERS = 200
"""Messages that are on their way to JetStream at the same time."""

PATIENCE = 120.0  # seconds
TO_RELAY = """
    INSERT INTO outbox (subject, aggregate_id, headers, payload)
    SELECT 'events.bench.relayed', gen_random_uuid()::text,
           jsonb_build_object('Nats-Msg-Id', gen_random_uuid()::text), $2::bytea
    FROM generate_series(1, $1::int)
"""
PAYLOAD = b'{"event_id": "00000000-0000-0000-0000-000000000000", "name": "an event of some size"}'

Send = Callable[[], Awaitable[None]]
Place = tuple[str, str]
"""A stream, and a consumer of it."""


async def measure(setting: Setting, groups: Collection[str]) -> list[Row]:
    """Return the rows of `groups`."""
    settings = setting.settings
    number = 1000 if setting.quick else 10_000
    slower = number // 4 // SENDERS * SENDERS  # all send as many
    figures: defaultdict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        handles = await stack.enter_async_context(open_resources(settings))
        connection: NatsConnection = handles["nats"]
        places = [(settings.NATS_STREAM, str(tasks_consumer(settings).durable_name))]
        for function, event in ((hear, Heard), (note, Noted)):
            consumer = event_consumer(function.__name__, event.subject, settings)
            places.append((EVENTS_STREAM, str(consumer.durable_name)))
        await stack.enter_async_context(_worker(setting, connection, "app.worker", places))
        limit = limit_tasks.make_broker(settings.nats_servers)
        limit_place = (limit_tasks.STREAM, limit_tasks.CONSUMER)
        if "tasks" in groups:
            await limit.startup()
            stack.push_async_callback(limit.shutdown)
            worker = _worker(setting, connection, "limit_tasks", [limit_place])
            await stack.enter_async_context(worker)
        for _ in range(setting.rounds):
            if "publish" in groups:
                figures["publish"].append(await _sent_in_a_second(_publish_unheard, number))
            if "tasks" in groups:
                for name, place, send in (
                    ("tasks", places[0], _send_task),
                    ("limit", limit_place, _sender(limit)),
                ):
                    figures[name].append(await _settled(connection, place, send, number))
            if "events" in groups:
                for name, place, event, count in (
                    ("events", places[1], Heard, number),
                    ("inbox", places[2], Noted, slower),
                ):
                    figures[name].append(
                        await _settled(connection, place, _publisher(event), count)
                    )
            if "relay" in groups:
                figures["relay"].append(await _relayed(setting, number))
    rows = [
        Row("publish", "event published, 200 at once", "events/s", figures["publish"]),
        Row(
            "tasks",
            "task sent → executed",
            "tasks/s",
            figures["tasks"],
            figures["limit"],
            Target(4000),
            "TaskIQ's own broker, which keeps and repeats nothing that fails",
        ),
        Row("events", "event published → handled", "events/s", figures["events"]),
        Row("events", "the same, in a transaction with the inbox", "events/s", figures["inbox"]),
        Row("relay", "outbox → JetStream", "events/s", figures["relay"], target=Target(1500)),
    ]
    return [row for row in rows if row.service]


@asynccontextmanager
async def _worker(
    setting: Setting,
    connection: NatsConnection,
    module: str,
    places: Collection[Place],
) -> AsyncIterator[None]:
    """Run a worker that logs no line for each task, as the APIs log none for each request."""
    quiet = {**setting.environment, "LOG_LEVEL": "WARNING"}
    worker = Program(replace(setting, environment=quiet), module)
    await worker.start([module])
    try:
        deadline = time.monotonic() + PATIENCE
        while not await _takes_all(connection, places):
            worker.check()
            if time.monotonic() > deadline:
                raise BenchError(f"The worker is not ready after {PATIENCE:g} s.")
            await asyncio.sleep(0.05)
        yield
        worker.check()
    finally:
        await worker.stop()


async def _takes_all(connection: NatsConnection, places: Collection[Place]) -> bool:
    """Return whether a worker waits for what comes to any of `places`."""
    try:
        return all([(await connection.js.consumer_info(*place)).num_waiting for place in places])
    except NotFoundError:
        return False


async def _send_task() -> None:
    await do_nothing.kiq(1)


def _sender(broker: AsyncBroker) -> Send:
    task = broker.find_task("do_nothing")
    assert task is not None

    async def send() -> None:
        await task.kiq(1)

    return send


async def _publish_unheard() -> None:
    await events_broker.publish(Unheard())


def _publisher(event: type[BaseEvent]) -> Send:
    async def publish() -> None:
        await events_broker.publish(event())

    return publish


async def _send(send: Send, number: int) -> None:
    async def some(count: int) -> None:
        for _ in range(count):
            await send()

    await asyncio.gather(*(some(number // SENDERS) for _ in range(SENDERS)))


async def _sent_in_a_second(send: Send, number: int) -> float:
    begin = time.perf_counter()
    await _send(send, number)
    return number / (time.perf_counter() - begin)


async def _settled(
    connection: NatsConnection,
    place: Place,
    send: Send,
    number: int,
) -> float:
    """Return how many messages a second are sent, taken, worked on and acknowledged."""
    begin = time.perf_counter()
    sending = asyncio.create_task(_send(send, number))
    while True:
        await asyncio.sleep(0.05)
        info = await connection.js.consumer_info(*place)
        seconds = time.perf_counter() - begin
        if sending.done() and not info.num_pending and not info.num_ack_pending:
            await sending
            return number / seconds
        if seconds > PATIENCE:
            raise BenchError(f"{place[1]} has still {info.num_pending} after {PATIENCE:g} s.")


async def _relayed(setting: Setting, number: int) -> float:
    """Return how many messages a second leave the outbox when many are committed at once."""
    await setting.database.execute(TO_RELAY, number, PAYLOAD)
    begin = time.perf_counter()
    while await setting.database.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
        if time.perf_counter() - begin > PATIENCE:
            raise BenchError(f"The outbox is not empty after {PATIENCE:g} s.")
        await asyncio.sleep(0.02)
    return number / (time.perf_counter() - begin)
