"""The queries on examples. Statements are built once, and give rows instead of entities."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends
from sqlalchemy import (
    Row,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.common.pagination import PageParams
from app.core.database import Base, RowReader, RowReaderDep, SessionDep
from app.features.example.errors import ExampleNameTaken, ExampleNotFound
from app.features.example.models import Example
from app.features.example.schemas import ExampleFilters, ExampleSort

_TABLE: Final = Base.metadata.tables[Example.__tablename__]
_EXAMPLES: Final = _TABLE.c
_INSERT: Final = insert(_TABLE).returning(*_EXAMPLES)
_BY_ID: Final = select(*_EXAMPLES).where(_EXAMPLES.id == bindparam("id"))
_FILTERS: Final = {
    "status": _EXAMPLES.status == bindparam("status"),
    "q": func.strpos(func.lower(_EXAMPLES.name), func.lower(bindparam("q"))) > 0,
}


@cache
def _count_statement(filters: frozenset[str]) -> Select[int]:
    return select(func.count()).select_from(_TABLE).where(*(_FILTERS[name] for name in filters))


@lru_cache(maxsize=512)
def _page_statement(
    filters: frozenset[str],
    sort: ExampleSort,
    limit: int,
    *,
    after: bool,
    skip: bool,
) -> Select[*tuple[Any, ...]]:
    """Build the query with its limit in it: PostgreSQL keeps no plan where that is a parameter."""
    column = _EXAMPLES[sort.removeprefix("-")]
    descending = sort.startswith("-")
    order = [column, _EXAMPLES.id]
    statement = (
        select(*_EXAMPLES)
        .where(*(_FILTERS[name] for name in filters))
        .order_by(*(key.desc() if descending else key for key in order))
        .limit(literal_column(str(limit)))
    )
    if skip:
        statement = statement.offset(bindparam("offset"))
    if after:
        last = tuple_(bindparam("value", type_=column.type), bindparam("id", type_=Uuid()))
        statement = statement.where(tuple_(*order) < last if descending else tuple_(*order) > last)
    return statement


class ExampleRepository:
    """The examples in the database.

    Writing raises `ExampleNameTaken` at once, not when the transaction commits.
    """

    def __init__(self, session: AsyncSession | RowReader) -> None:
        self._session = session

    async def find(self, example_id: UUID) -> Row[Any] | None:
        """Return the example with this id."""
        return (await self._session.execute(_BY_ID, {"id": example_id})).one_or_none()

    async def find_page(self, filters: ExampleFilters, page: PageParams) -> Sequence[Row[Any]]:
        """Return the examples of a page and, if there is one, the first of the next."""
        values = filters.model_dump(exclude={"sort"}, exclude_none=True)
        statement = _page_statement(
            frozenset(values),
            filters.sort,
            page.limit + 1,
            after=page.after is not None,
            skip=page.offset > 0,
        )
        if page.after is not None:
            values["value"], values["id"] = page.after
        if page.offset:
            values["offset"] = page.offset
        return (await self._session.execute(statement, values)).all()

    async def count(self, filters: ExampleFilters) -> int:
        """Return how many examples there are on all pages."""
        values = filters.model_dump(exclude={"sort"}, exclude_none=True)
        counted = await self._session.execute(_count_statement(frozenset(values)), values)
        return counted.scalar_one()

    async def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Store a new example and return it."""
        with _unique_names():
            return (await self._session.execute(_INSERT, values)).one()

    async def update(
        self,
        example_id: UUID,
        changes: Mapping[str, Any],
        versions: frozenset[int] | None,
    ) -> Row[Any] | None:
        """Change an example and return it, None if none has this id and one of `versions`.

        Of two that change the same version at once, the second waits for the first's transaction
        and then finds that the version is gone.
        """
        statement = (
            update(_TABLE)
            .where(_EXAMPLES.id == example_id)
            .values(**changes, version=_EXAMPLES.version + 1)
            .returning(*_EXAMPLES)
        )
        if versions is not None:
            statement = statement.where(_EXAMPLES.version.in_(versions))
        with _unique_names():
            return (await self._session.execute(statement)).one_or_none()

    async def delete(self, example_id: UUID, versions: frozenset[int] | None) -> bool:
        """Delete an example; False if none has this id and one of `versions`."""
        statement = delete(_TABLE).where(_EXAMPLES.id == example_id).returning(_EXAMPLES.id)
        if versions is not None:
            statement = statement.where(_EXAMPLES.version.in_(versions))
        return (await self._session.execute(statement)).one_or_none() is not None


@contextmanager
def _unique_names() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "uq_examples_name" in str(error.orig):
            raise ExampleNameTaken from error
        raise


async def _in_transaction(session: SessionDep) -> ExampleRepository:
    return ExampleRepository(session)


async def _for_reading(session: RowReaderDep) -> ExampleRepository:
    return ExampleRepository(session)


ExampleRepositoryDep = Annotated[ExampleRepository, Depends(_in_transaction)]
ExampleReadRepositoryDep = Annotated[ExampleRepository, Depends(_for_reading)]


async def existing_example(example_id: UUID, examples: ExampleReadRepositoryDep) -> UUID:
    """Return the id of the path if there is such an example."""
    if await examples.find(example_id) is None:
        raise ExampleNotFound
    return example_id


ExistingExampleId = Annotated[UUID, Depends(existing_example)]
