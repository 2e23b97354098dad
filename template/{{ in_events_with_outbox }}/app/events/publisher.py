"""Publishing events: through the outbox, so that they leave only if the change is committed."""

from typing import Annotated

from fastapi import Depends
from loguru import logger
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import SessionDep, get_session_context
from app.core.event_broker import to_outgoing
from app.core.outbox import add_to_outbox
from app.events.schemas import BaseEvent


class EventPublisher:
    """Publishes what happened in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def publish(self, event: BaseEvent) -> None:
        """Write `event` with the change; the worker publishes it once that is committed.

        Raises:
            MessageTooLarge: JetStream would refuse it.
        """
        await add_to_outbox(self._session, to_outgoing(event), aggregate_id=event.aggregate_id)
        logger.debug("Event {} {}", event.subject, event.event_id)


async def _publisher(session: SessionDep) -> EventPublisher:
    return EventPublisher(session)


EventPublisherDep = Annotated[EventPublisher, Depends(_publisher)]


async def publish_event(event: BaseEvent) -> None:
    """Publish `event` outside of a request, in a transaction of its own."""
    async with get_session_context() as session:
        await EventPublisher(session).publish(event)
