"""The settings of events."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.core.settings.types import Seconds


class EventsSettings(BaseSettings):
    """How events are kept and handled."""

    EVENT_ACK_WAIT: Seconds = Field(
        30,
        description="seconds after which the event of a worker that is gone comes again.",
    )
    EVENT_MAX_DELIVERIES: int = Field(5, ge=1, description="attempts before a dead letter.")
    EVENT_MAX_AGE: Seconds = Field(
        604800,
        description="seconds that the server keeps an event, at least (604800 are 7 days).",
    )
