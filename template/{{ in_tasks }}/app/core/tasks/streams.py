"""The stream of this service's tasks, and its consumer."""

from typing import Final

from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from app.core.config import SERVICE_NAME, Settings
from app.core.nats.streams import DUPLICATE_WINDOW, durable_consumer

TASKS_SUBJECT: Final = f"tasks.{SERVICE_NAME}.default"
LATER_SUBJECT: Final = f"tasks.{SERVICE_NAME}.later"


def tasks_stream(settings: Settings) -> StreamConfig:
    """Return the service's own stream; an acknowledged task is deleted."""
    return StreamConfig(
        name=settings.NATS_STREAM,
        subjects=[TASKS_SUBJECT, f"{LATER_SUBJECT}.*"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=0,
        duplicate_window=DUPLICATE_WINDOW,
        allow_msg_schedules=True,
    )


def tasks_consumer(settings: Settings) -> ConsumerConfig:
    """Return the consumer that all workers of this service share."""
    return durable_consumer(SERVICE_NAME, TASKS_SUBJECT, settings.TASK_ACK_WAIT)
