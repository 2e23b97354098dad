"""Publishing events to JetStream, which says that it has stored each."""

from typing import Annotated

from fastapi import Depends
from loguru import logger

from app.core.broker import events_broker
from app.events.schemas import BaseEvent


class EventPublisher:
    """Publishes what happened."""

    async def publish(self, event: BaseEvent) -> None:
        """Return when JetStream has stored `event`.

        Raises:
            NatsUnavailable: it may have it or not; the same event can be published again.
            MessageTooLarge: nothing was sent.
        """
        await events_broker.publish(event)
        logger.debug("Event {} {}", event.subject, event.event_id)


async def _publisher() -> EventPublisher:
    return EventPublisher()


EventPublisherDep = Annotated[EventPublisher, Depends(_publisher)]


async def publish_event(event: BaseEvent) -> None:
    """Publish `event` outside of a request."""
    await EventPublisher().publish(event)
