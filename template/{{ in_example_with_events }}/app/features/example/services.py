"""What may be done with examples, and what it means."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.common.pagination import Page, PageParams, Position
from app.events.publisher import EventPublisher, EventPublisherDep
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent
from app.features.example.errors import ExampleChanged, ExampleNotFound
from app.features.example.repositories import (
    ExampleReadRepositoryDep,
    ExampleRepository,
    ExampleRepositoryDep,
)
from app.features.example.schemas import (
    ExampleCreate,
    ExampleFilters,
    ExampleResponse,
    ExampleUpdate,
)


class ExampleReader:
    """Reads examples."""

    def __init__(self, examples: ExampleRepository) -> None:
        self._examples = examples

    async def get(self, example_id: UUID) -> ExampleResponse:
        """Return the example with this id; raises `ExampleNotFound`."""
        example = await self._examples.find(example_id)
        if example is None:
            raise ExampleNotFound
        return ExampleResponse.model_validate(example)

    async def list(self, filters: ExampleFilters, page: PageParams) -> Page[ExampleResponse]:
        """Return one page of the examples that match."""
        field = filters.sort.removeprefix("-")

        def position(example: ExampleResponse) -> Position:
            return getattr(example, field), example.id

        found = await self._examples.find_page(filters, page)
        total = await self._examples.count(filters) if page.with_total else None
        return page.page([ExampleResponse.model_validate(row) for row in found], position, total)


class ExampleService(ExampleReader):
    """Reads and changes examples, and announces each change."""

    def __init__(self, examples: ExampleRepository, events: EventPublisher) -> None:
        super().__init__(examples)
        self._events = events

    async def create(self, data: ExampleCreate) -> ExampleResponse:
        """Store a new example; raises `ExampleNameTaken`."""
        example = await self._examples.add(data.model_dump())
        await self._events.publish(ExampleCreatedEvent(example_id=example.id, name=example.name))
        return ExampleResponse.model_validate(example)

    async def update(
        self,
        example_id: UUID,
        data: ExampleUpdate,
        versions: frozenset[int] | None,
    ) -> ExampleResponse:
        """Change an example, whatever its version is where `versions` is None.

        Raises:
            ExampleNotFound, ExampleNameTaken
            ExampleChanged: it has none of these versions.
        """
        changes = data.model_dump(exclude_none=True)
        example = await self._examples.update(example_id, changes, versions)
        if example is None:
            raise await self._missing(example_id)
        await self._events.publish(
            ExampleUpdatedEvent(example_id=example_id, changed=sorted(changes)),
        )
        return ExampleResponse.model_validate(example)

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> None:
        """Delete an example; raises `ExampleNotFound` and `ExampleChanged` as `update` does."""
        if not await self._examples.delete(example_id, versions):
            raise await self._missing(example_id)
        await self._events.publish(ExampleDeletedEvent(example_id=example_id))

    async def _missing(self, example_id: UUID) -> ExampleNotFound | ExampleChanged:
        """Return why no example had this id and the expected version."""
        exists = await self._examples.find(example_id) is not None
        return ExampleChanged() if exists else ExampleNotFound()


async def _reader(examples: ExampleReadRepositoryDep) -> ExampleReader:
    return ExampleReader(examples)


async def _service(examples: ExampleRepositoryDep, events: EventPublisherDep) -> ExampleService:
    return ExampleService(examples, events)


ExampleReaderDep = Annotated[ExampleReader, Depends(_reader)]
ExampleServiceDep = Annotated[ExampleService, Depends(_service)]
