"""The settings of events."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.core.settings.types import Seconds


class EventsSettings(BaseSettings):
    """How events are kept and handled."""

    EVENT_ACK_WAIT: Seconds = Field(
        30,
        description="seconds after which the event of a dead worker is redelivered.",
    )
    EVENT_MAX_DELIVERIES: int = Field(5, ge=1, description="attempts before a dead letter.")
    EVENT_MAX_AGE: Seconds = Field(
        604800,
        description="minimum seconds that the server keeps an event (604800: 7 days).",
    )
