"""The tier's own tasks: sending them, and what they have left behind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.core.nats.connection import NatsConnection
from app.core.tasks.broker import CustomJetStreamBroker
from app.features.chaos.tasks import end_the_worker, work
from tests.live import LiveService
from tests.messages import connected


@dataclass(frozen=True, slots=True)
class Run:
    """A task that has begun.

    Attributes:
        task: its name.
        pid: the process.
        ended: whether it has come to its end there.
    """

    task: str
    pid: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks of a service, sent as another program of its owner's would."""

    nats: NatsConnection
    database: asyncpg.Connection
    broker: CustomJetStreamBroker

    async def send(self, tasks: Sequence[str], *, seconds: float = 0.2) -> None:
        """Send tasks of these names that take so many seconds."""
        for task in tasks:
            await work.kicker().with_broker(self.broker).kiq(task, seconds)

    async def send_what_ends_the_worker(self) -> None:
        """Send a task that no worker survives."""
        await end_the_worker.kicker().with_broker(self.broker).kiq()

    async def runs(self) -> list[Run]:
        """Return every run of a task that has begun."""
        return [Run(*row) for row in await self.database.fetch("SELECT task, pid, ended FROM work")]


@asynccontextmanager
async def working(service: LiveService) -> AsyncIterator[Work]:
    """Yield what sends tasks to a service that has just been started."""
    database = await asyncpg.connect(service.settings.database_url_sync)
    try:
        await database.execute("CREATE TABLE work (task text, pid int, ended bool DEFAULT false)")
        async with connected(service.settings) as nats:
            broker = CustomJetStreamBroker()
            await broker.open(nats)
            yield Work(nats, database, broker)
    finally:
        await database.close()
