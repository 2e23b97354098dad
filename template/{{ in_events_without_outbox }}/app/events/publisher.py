"""Publishing events to JetStream, which says that it has stored each."""

from collections.abc import Mapping
from typing import Annotated, Any, overload

from fastapi import Depends
from loguru import logger

from app.core.broker import events_broker
from app.core.nats.base_event import BaseEvent
from app.core.nats.event_broker import to_outgoing


class EventPublisher:
    """Publishes what happened."""

    async def publish(
        self,
        event: BaseEvent | Mapping[str, Any],
        subject: str | None = None,
    ) -> None:
        """Return when JetStream has stored `event`.

        Raises:
            ValueError: `subject` is none of an event.
            NatsUnavailable: it may have it or not; the same event can be published again.
            MessageTooLarge: nothing was sent.
        """
        message = to_outgoing(event, subject)
        await events_broker.opened.publish(message)
        logger.debug("Event {}", message.subject)


async def _publisher() -> EventPublisher:
    return EventPublisher()


EventPublisherDep = Annotated[EventPublisher, Depends(_publisher)]


@overload
async def publish_event(event: BaseEvent, /) -> None: ...
@overload
async def publish_event(subject: str, event_data: Mapping[str, Any] | BaseEvent) -> None: ...
async def publish_event(
    subject: BaseEvent | str,
    event_data: Mapping[str, Any] | BaseEvent | None = None,
) -> None:
    """Publish an event, or data on a subject, outside of a request."""
    if isinstance(subject, BaseEvent):
        await EventPublisher().publish(subject)
    else:
        await EventPublisher().publish(event_data or {}, subject)
