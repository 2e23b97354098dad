"""The outbox: messages are written in a transaction, and sent only after its commit."""

import time
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Identity, Text, func, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core import dialect
from app.core.database import Base
from app.core.nats.connection import OutgoingMessage, refuse_too_large

WAKE_UP_CHANNEL: Final = "outbox"
WAKE_UP_INTERVAL: Final = 0.05
"""Seconds between two notifications by one process; a busy relay polls at this interval.

The database commits transactions that wake others one after another, so not every one of them does.
"""


class OutboxMessage(Base):
    """A message for JetStream; the relay deletes it when JetStream has stored it.

    Attributes:
        aggregate_id: messages with the same value are sent in the order of `id`; None: in any.
        headers: NATS headers, among them Nats-Msg-Id, by which JetStream drops duplicates.
        error: why JetStream can never accept it. The relay skips such a message until a person
            deletes it, or sets this to NULL to retry.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[str | None] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(dialect.JSON)
    payload: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error: Mapped[str | None] = mapped_column(Text)


_INSERT: Final = insert(Base.metadata.tables[OutboxMessage.__tablename__])
_INSERT_AND_WAKE_UP: Final = dialect.waking(_INSERT, WAKE_UP_CHANNEL)
_last_wake_up = float("-inf")


async def add_to_outbox(
    session: AsyncSession,
    message: OutgoingMessage,
    *,
    aggregate_id: str | None = None,
) -> None:
    """Write `message` in the transaction of `session`.

    Raises:
        MessageTooLarge: JetStream would refuse it.
    """
    global _last_wake_up
    refuse_too_large(message)
    now = time.monotonic()
    statement = _INSERT
    if now - _last_wake_up > WAKE_UP_INTERVAL:
        _last_wake_up = now
        statement = _INSERT_AND_WAKE_UP
    await session.execute(
        statement,
        {
            "subject": message.subject,
            "aggregate_id": aggregate_id,
            "headers": message.headers,
            "payload": message.payload,
        },
    )
