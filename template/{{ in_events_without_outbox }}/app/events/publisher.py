"""Publish events to JetStream, which acknowledges each."""

from collections.abc import Mapping
from typing import Annotated, Any, overload

from fastapi import Depends
from loguru import logger

from app.core.broker import events_broker
from app.core.nats.base_event import BaseEvent
from app.core.nats.event_broker import to_outgoing


class EventPublisher:
    """Publishes events."""

    async def publish(
        self,
        event: BaseEvent | Mapping[str, Any],
        subject: str | None = None,
    ) -> None:
        """Publish `event`, and return when JetStream has stored it.

        Raises:
            ValueError: `subject` is not an event subject.
            NatsUnavailable: JetStream may have stored it; publishing the same event again is safe.
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
    """Publish an event, or data on a subject, outside a request."""
    if isinstance(subject, BaseEvent):
        await EventPublisher().publish(subject)
    else:
        await EventPublisher().publish(event_data or {}, subject)
