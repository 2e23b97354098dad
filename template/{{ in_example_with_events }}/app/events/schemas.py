"""The schemas of events. Other services read them: add fields, never rename or retype one."""

from uuid import UUID

from app.core.nats.base_event import BaseEvent
from app.events.subjects import EXAMPLE_CREATED, EXAMPLE_DELETED, EXAMPLE_UPDATED

__all__ = ["BaseEvent"]


class ExampleEvent(BaseEvent):
    """Something happened to an example."""

    example_id: UUID

    @property
    def aggregate_id(self) -> str:
        return str(self.example_id)


class ExampleCreatedEvent(ExampleEvent):
    """An example was stored."""

    subject = EXAMPLE_CREATED

    name: str


class ExampleUpdatedEvent(ExampleEvent):
    """Some fields of an example were changed."""

    subject = EXAMPLE_UPDATED

    changed: list[str]


class ExampleDeletedEvent(ExampleEvent):
    """An example was deleted."""

    subject = EXAMPLE_DELETED


# yours below
