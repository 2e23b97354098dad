"""The business logic of examples."""

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
        """Change an example that has one of `versions`; None stands for any.

        Raises `ExampleNotFound`, `ExampleNameTaken` and `ExampleChanged`.
        """
        changes = data.changes()
        return await self._examples.update(example_id, changes, versions)

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> None:
        """Delete an example; raises `ExampleNotFound` and `ExampleChanged`."""
        await self._examples.delete(example_id, versions)


async def _service(examples: ExampleRepositoryDep) -> ExampleService:
    return ExampleService(examples)


ExampleServiceDep = Annotated[ExampleService, Depends(_service)]
