"""Publish events through the outbox: they are sent only if the transaction commits."""

from collections.abc import Mapping
from typing import Annotated, Any, overload

from fastapi import Depends
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import SessionDep, get_session_context
from app.core.nats.base_event import BaseEvent
from app.core.nats.event_broker import AGGREGATE_ID_HEADER, to_outgoing
from app.core.outbox.messages import add_to_outbox


class EventPublisher:
    """Publishes events in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def publish(
        self,
        event: BaseEvent | Mapping[str, Any],
        subject: str | None = None,
    ) -> None:
        """Write `event` to the outbox; the worker publishes it after the commit.

        Raises:
            ValueError: `subject` is not an event subject.
            MessageTooLarge: JetStream would refuse it.
        """
        message = to_outgoing(event, subject)
        await add_to_outbox(
            self._session,
            message,
            aggregate_id=message.headers[AGGREGATE_ID_HEADER],
        )
        logger.debug("Event {}", message.subject)


async def _publisher(session: SessionDep) -> EventPublisher:
    return EventPublisher(session)


EventPublisherDep = Annotated[EventPublisher, Depends(_publisher)]


@overload
async def publish_event(event: BaseEvent, /) -> None: ...
@overload
async def publish_event(subject: str, event_data: Mapping[str, Any] | BaseEvent) -> None: ...
async def publish_event(
    subject: BaseEvent | str,
    event_data: Mapping[str, Any] | BaseEvent | None = None,
) -> None:
    """Publish an event, or data on a subject, outside a request, in a transaction of its own."""
    async with get_session_context() as session:
        if isinstance(subject, BaseEvent):
            await EventPublisher(session).publish(subject)
        else:
            await EventPublisher(session).publish(event_data or {}, subject)
