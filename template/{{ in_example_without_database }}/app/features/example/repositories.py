"""The examples, in memory: each process has its own, and loses them when it ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, Request

from app.common.pagination import Page, PageParams
from app.features.example.errors import ExampleChanged, ExampleNameTaken, ExampleNotFound
from app.features.example.models import ExampleStatus
from app.features.example.schemas import ExampleResponse


class ExampleRepository:
    """The examples of this process. Nothing here awaits, so every method is atomic."""

    def __init__(self) -> None:
        self.examples: dict[UUID, ExampleResponse] = {}
        self.writing = asyncio.Lock()

    async def read(self, row_id: UUID) -> ExampleResponse:
        """Return an example; raises `ExampleNotFound`."""
        if row_id not in self.examples:
            raise ExampleNotFound
        return self.examples[row_id]

    async def page(
        self,
        page: PageParams,
        sort: str,
        status: ExampleStatus | None = None,
        q: str | None = None,
    ) -> Page[ExampleResponse]:
        """Return one page of the examples that match."""
        position = attrgetter(sort.removeprefix("-"), "id")
        descending = sort.startswith("-")
        found = [
            example
            for example in self.examples.values()
            if status in {None, example.status} and (q or "").lower() in example.name.lower()
        ]
        total = len(found) if page.with_total else None
        found.sort(key=position, reverse=descending)
        if page.after is not None:
            after = page.after
            found = [
                example
                for example in found
                if (position(example) < after if descending else position(example) > after)
            ]
        return page.page(found[page.offset : page.offset + page.limit + 1], position, total)

    async def add(self, values: Mapping[str, Any]) -> ExampleResponse:
        """Store a new example; raises `ExampleNameTaken`."""
        now = datetime.now(UTC)
        return self._store(
            ExampleResponse(id=uuid4(), created_at=now, updated_at=now, version=1, **values),
        )

    async def update(
        self,
        row_id: UUID,
        changes: Mapping[str, Any],
        versions: frozenset[int] | None = None,
    ) -> ExampleResponse:
        """Change an example; raises `ExampleNotFound`, `ExampleChanged`, `ExampleNameTaken`."""
        example = await self._expected(row_id, versions)
        news = {"updated_at": datetime.now(UTC), "version": example.version + 1}
        return self._store(example.model_copy(update={**changes, **news}))

    async def delete(self, row_id: UUID, versions: frozenset[int] | None = None) -> None:
        """Delete an example; raises `ExampleNotFound` and `ExampleChanged`."""
        await self._expected(row_id, versions)
        del self.examples[row_id]

    async def _expected(self, row_id: UUID, versions: frozenset[int] | None) -> ExampleResponse:
        example = await self.read(row_id)
        if versions is not None and example.version not in versions:
            raise ExampleChanged
        return example

    def _store(self, example: ExampleResponse) -> ExampleResponse:
        names = {other.name for other in self.examples.values() if other.id != example.id}
        if example.name in names:
            raise ExampleNameTaken
        self.examples[example.id] = example
        return example


async def for_reading(request: Request) -> ExampleRepository:
    """Return the examples of the application."""
    state = request.app.state
    if not hasattr(state, "examples"):
        state.examples = ExampleRepository()
    examples: ExampleRepository = state.examples
    return examples


ExampleReaderDep = Annotated[ExampleRepository, Depends(for_reading)]


async def in_transaction(examples: ExampleReaderDep) -> AsyncIterator[ExampleRepository]:
    """Serialize requests that change examples, and roll back the changes of a failed request."""
    async with examples.writing:
        before = examples.examples.copy()
        try:
            yield examples
        except BaseException:
            examples.examples = before
            raise


ExampleRepositoryDep = Annotated[ExampleRepository, Depends(in_transaction, scope="function")]
