"""The business logic of examples."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.events.publisher import EventPublisher, EventPublisherDep
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent
from app.features.example.repositories import ExampleRepository, ExampleRepositoryDep
from app.features.example.schemas import ExampleCreate, ExampleResponse, ExampleUpdate


class ExampleService:
    """Changes examples, and publishes an event for each change."""

    def __init__(self, examples: ExampleRepository, events: EventPublisher) -> None:
        self._examples = examples
        self._events = events

    async def create(self, data: ExampleCreate) -> ExampleResponse:
        """Store a new example; raises `ExampleNameTaken`."""
        example = await self._examples.add(data.model_dump())
        await self._events.publish(ExampleCreatedEvent(example_id=example.id, name=example.name))
        return example

    async def update(
        self,
        example_id: UUID,
        data: ExampleUpdate,
        versions: frozenset[int] | None,
    ) -> ExampleResponse:
        """Change an example that has one of `versions`; None stands for any.

        Raises `ExampleNotFound`, `ExampleNameTaken` and `ExampleChanged`.
        """
        changes = data.changes()
        example = await self._examples.update(example_id, changes, versions)
        event = ExampleUpdatedEvent(example_id=example_id, changed=sorted(changes))
        await self._events.publish(event)
        return example

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> None:
        """Delete an example; raises `ExampleNotFound` and `ExampleChanged`."""
        await self._examples.delete(example_id, versions)
        await self._events.publish(ExampleDeletedEvent(example_id=example_id))


async def _service(examples: ExampleRepositoryDep, events: EventPublisherDep) -> ExampleService:
    return ExampleService(examples, events)


ExampleServiceDep = Annotated[ExampleService, Depends(_service)]
