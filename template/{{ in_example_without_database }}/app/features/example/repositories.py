"""The examples, kept in memory: each process has its own, and forgets them when it ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, Request

from app.common.pagination import PageParams, Position
from app.common.preconditions import is_expected
from app.features.example.errors import ExampleNameTaken, ExampleNotFound
from app.features.example.models import Example
from app.features.example.schemas import ExampleFilters


class ExampleRepository:
    """The examples of this process. Nothing here awaits, so every method is atomic."""

    def __init__(self) -> None:
        self._examples: dict[UUID, Example] = {}
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Let one change at a time happen, and undo what it did if it fails later on."""
        async with self._writing:
            before = self._examples.copy()
            try:
                yield
            except BaseException:
                self._examples = before
                raise

    async def find(self, example_id: UUID) -> Example | None:
        """Return the example with this id."""
        return self._examples.get(example_id)

    async def find_page(self, filters: ExampleFilters, page: PageParams) -> list[Example]:
        """Return the examples of a page and, if there is one, the first of the next."""
        field = filters.sort.removeprefix("-")
        descending = filters.sort.startswith("-")

        def position(example: Example) -> Position:
            return getattr(example, field), example.id

        found = sorted(self._matching(filters), key=position, reverse=descending)
        if page.after is not None:
            after: Any = page.after
            found = [
                example
                for example in found
                if (position(example) < after if descending else position(example) > after)
            ]
        return found[page.offset : page.offset + page.limit + 1]

    async def count(self, filters: ExampleFilters) -> int:
        """Return how many examples there are on all pages."""
        return len(self._matching(filters))

    async def add(self, values: Mapping[str, Any]) -> Example:
        """Store a new example."""
        now = datetime.now(UTC)
        example = Example(id=uuid4(), created_at=now, updated_at=now, version=1, **values)
        self._store(example)
        return example

    async def update(
        self,
        example_id: UUID,
        changes: Mapping[str, Any],
        versions: frozenset[int] | None,
    ) -> Example | None:
        """Change an example and return it, None if none has this id and one of `versions`."""
        example = self._examples.get(example_id)
        if example is None or not is_expected(example.version, versions):
            return None
        changed = replace(
            example,
            updated_at=datetime.now(UTC),
            version=example.version + 1,
            **changes,
        )
        self._store(changed)
        return changed

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> bool:
        """Delete an example; False if none has this id and one of `versions`."""
        example = self._examples.get(example_id)
        if example is None or not is_expected(example.version, versions):
            return False
        del self._examples[example_id]
        return True

    def _matching(self, filters: ExampleFilters) -> list[Example]:
        return [
            example
            for example in self._examples.values()
            if filters.status in {None, example.status}
            and (filters.q is None or filters.q.lower() in example.name.lower())
        ]

    def _store(self, example: Example) -> None:
        others = (other for other in self._examples.values() if other.id != example.id)
        if any(other.name == example.name for other in others):
            raise ExampleNameTaken
        self._examples[example.id] = example


async def _of_the_application(request: Request) -> ExampleRepository:
    state = request.app.state
    if not hasattr(state, "examples"):
        state.examples = ExampleRepository()
    examples: ExampleRepository = state.examples
    return examples


ExampleReadRepositoryDep = Annotated[ExampleRepository, Depends(_of_the_application)]


async def _in_transaction(examples: ExampleReadRepositoryDep) -> AsyncIterator[ExampleRepository]:
    async with examples.transaction():
        yield examples


ExampleRepositoryDep = Annotated[ExampleRepository, Depends(_in_transaction, scope="function")]


async def existing_example(example_id: UUID, examples: ExampleReadRepositoryDep) -> UUID:
    """Return the id of the path if there is such an example."""
    if await examples.find(example_id) is None:
        raise ExampleNotFound
    return example_id


ExistingExampleId = Annotated[UUID, Depends(existing_example)]
