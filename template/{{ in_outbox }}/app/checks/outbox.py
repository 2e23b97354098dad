"""Messages that the outbox relay rejected: list, retry or discard them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.checks.failed_messages import FailedMessage, FailedMessageNotFound
from app.core.config import Settings
from app.core.database import Base, connected_engine
from app.core.nats.connection import OutgoingMessage
from app.core.outbox.messages import OutboxMessage

_TABLE = Base.metadata.tables[OutboxMessage.__tablename__]
STUCK_AFTER: Final = 60
"""Seconds that the oldest message may wait before the check fails."""

_WAITING = select(
    func.count(),
    func.extract("epoch", func.now() - func.min(_TABLE.c.created_at)),
).where(_TABLE.c.error.is_(None))
_IDS = select(_TABLE.c.id).where(_TABLE.c.error.is_not(None)).order_by(_TABLE.c.id)


class RejectedMessages:
    """The rows of the outbox that have an error."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def messages(self) -> AsyncIterator[FailedMessage]:
        """Yield the messages, the oldest first."""
        async with self._engine.connect() as connection:
            ids = list(await connection.scalars(_IDS))
        for message_id in ids:
            yield await self.get(message_id)

    async def get(self, message_id: int) -> FailedMessage:
        """Return one message; raises FailedMessageNotFound."""
        chosen = select(_TABLE).where(_TABLE.c.id == message_id, _TABLE.c.error.is_not(None))
        async with self._engine.connect() as connection:
            row = (await connection.execute(chosen)).one_or_none()
        if row is None:
            raise FailedMessageNotFound(f"No rejected message {message_id} is in the outbox.")
        return FailedMessage(
            id=row.id,
            since=row.created_at,
            deliveries="-",
            reason=row.error,
            message=OutgoingMessage(row.subject, row.payload, row.headers),
        )

    async def send_again(self, found: FailedMessage) -> None:
        """Clear the error, so that the relay tries it again."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(_TABLE).where(_TABLE.c.id == found.id).values(error=None),
            )

    async def discard(self, found: FailedMessage) -> None:
        """Delete it."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_TABLE).where(_TABLE.c.id == found.id))


class OutboxStuck(Exception):
    """The relay sends nothing. The text names the next step."""


async def check_outbox(engine: AsyncEngine) -> str:
    """Return the number of waiting messages; raises OutboxStuck if the oldest waits too long."""
    async with engine.connect() as connection:
        count, waits = (await connection.execute(_WAITING)).one()
    if waits is not None and waits > STUCK_AFTER:
        raise OutboxStuck(
            f"The outbox is stuck: {count} messages wait, the oldest for {waits:.0f} s. "
            "Check that a worker runs, and read its log about the outbox relay.",
        )
    return f"In the outbox {count} messages wait."


@asynccontextmanager
async def open_outbox(settings: Settings) -> AsyncIterator[RejectedMessages]:
    """Yield the rejected messages; raises StartupError if the database is unreachable."""
    async with connected_engine(settings) as engine:
        yield RejectedMessages(engine)
