"""What may be done with examples, and what it means."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.features.example.repositories import ExampleRepository, ExampleRepositoryDep
from app.features.example.schemas import ExampleCreate, ExampleResponse, ExampleUpdate


class ExampleService:
    """Changes examples."""

    def __init__(self, examples: ExampleRepository) -> None:
        self._examples = examples

    async def create(self, data: ExampleCreate) -> ExampleResponse:
        """Store a new example; raises `ExampleNameTaken`."""
        return await self._examples.add(data.model_dump())

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
        return await self._examples.update(example_id, changes, versions)

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> None:
        """Delete an example; raises `ExampleNotFound` and `ExampleChanged` as `update` does."""
        await self._examples.delete(example_id, versions)


async def _service(examples: ExampleRepositoryDep) -> ExampleService:
    return ExampleService(examples)


ExampleServiceDep = Annotated[ExampleService, Depends(_service)]
