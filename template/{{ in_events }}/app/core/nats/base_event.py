"""The base class of events."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


def _now() -> datetime:
    return datetime.now(UTC)


class BaseEvent(BaseModel):
    """Something that has happened. A subclass names its `subject` and adds fields.

    Attributes:
        event_id: identifies the event; a redelivery has the same id.
        timestamp: when it happened, by the publisher's clock.
        version: of the schema; raise it when the meaning of a field changes.
    """

    model_config = ConfigDict(frozen=True)

    subject: ClassVar[str]

    event_id: UUID = Field(default_factory=uuid4)
    timestamp: AwareDatetime = Field(default_factory=_now)
    version: int = 1

    @property
    def aggregate_id(self) -> str:
        """Return the id of the changed object: events with the same id are published in order."""
        return str(self.event_id)
