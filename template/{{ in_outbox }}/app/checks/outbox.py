"""What the relay of the outbox set aside, for a person to look at, send again or discard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.checks.failed_messages import FailedMessage, NotSetAside
from app.core.config import Settings
from app.core.database import Base, connected_engine
from app.core.nats.connection import OutgoingMessage
from app.core.outbox.messages import OutboxMessage

_TABLE = Base.metadata.tables[OutboxMessage.__tablename__]
STUCK_AFTER: Final = 60
"""Seconds that the oldest message may wait before something is wrong."""

_WAITING = select(
    func.count(),
    func.extract("epoch", func.now() - func.min(_TABLE.c.created_at)),
).where(_TABLE.c.error.is_(None))
_IDS = select(_TABLE.c.id).where(_TABLE.c.error.is_not(None)).order_by(_TABLE.c.id)


class SetAsideByTheRelay:
    """The rows of the outbox that have an error."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def messages(self) -> AsyncIterator[FailedMessage]:
        """Yield what is there now, the oldest first."""
        async with self._engine.connect() as connection:
            ids = list(await connection.scalars(_IDS))
        for message_id in ids:
            yield await self.get(message_id)

    async def get(self, message_id: int) -> FailedMessage:
        """Return one of them; raises NotSetAside."""
        chosen = select(_TABLE).where(_TABLE.c.id == message_id, _TABLE.c.error.is_not(None))
        async with self._engine.connect() as connection:
            row = (await connection.execute(chosen)).one_or_none()
        if row is None:
            raise NotSetAside(f"No message {message_id} was set aside in the outbox.")
        return FailedMessage(
            id=row.id,
            since=row.created_at,
            deliveries="-",
            reason=row.error,
            message=OutgoingMessage(row.subject, row.payload, row.headers),
        )

    async def send_again(self, found: FailedMessage) -> None:
        """Leave it to the relay, which tries it once more."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(_TABLE).where(_TABLE.c.id == found.id).values(error=None),
            )

    async def discard(self, found: FailedMessage) -> None:
        """Delete it."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_TABLE).where(_TABLE.c.id == found.id))


class OutboxStuck(Exception):
    """The outbox does not move; its text says what to do."""


async def check_outbox(engine: AsyncEngine) -> str:
    """Return how much waits in the outbox; raises OutboxStuck where the oldest does for long."""
    async with engine.connect() as connection:
        count, waits = (await connection.execute(_WAITING)).one()
    if waits is not None and waits > STUCK_AFTER:
        raise OutboxStuck(
            f"The outbox does not move: {count} messages wait, the oldest for {waits:.0f} s. "
            "See that a worker runs, and what its log says of the outbox relay.",
        )
    return f"In the outbox {count} messages wait."


@asynccontextmanager
async def open_outbox(settings: Settings) -> AsyncIterator[SetAsideByTheRelay]:
    """Yield what was set aside; raises StartupError where the database does not answer."""
    async with connected_engine(settings) as engine:
        yield SetAsideByTheRelay(engine)
