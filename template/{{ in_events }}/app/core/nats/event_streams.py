"""The stream of events, shared by all services of a NATS server, and the consumers of handlers."""

from typing import Final

from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from app.core.config import SERVICE_NAME, Settings
from app.core.nats.streams import DUPLICATE_WINDOW, durable_consumer

ALL_EVENTS: Final = "events.>"
EVENTS_STREAM: Final = "EVENTS"


def events_stream(settings: Settings) -> StreamConfig:
    """Return the stream, as this service creates it if no other service has."""
    return StreamConfig(
        name=EVENTS_STREAM,
        subjects=[ALL_EVENTS],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=settings.EVENT_MAX_AGE,
        duplicate_window=DUPLICATE_WINDOW,
    )


def event_consumer(handler: str, subject: str, settings: Settings) -> ConsumerConfig:
    """Return the consumer of one handler; it starts with the oldest event in the stream."""
    return durable_consumer(f"{SERVICE_NAME}-{handler}", subject, settings.EVENT_ACK_WAIT)
