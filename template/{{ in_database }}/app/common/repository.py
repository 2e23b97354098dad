"""The base class of repositories: common queries, with statements that are built once.

`read` and `page` return the response schema. Outside a transaction they use `app.core.rows`, the
fast path. `find` returns the entity, in order to change it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
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

from app.common.pagination import Page, PageParams
from app.core.database import Base, SessionDep
from app.core.errors import Conflict, DomainError, NotFound, PreconditionFailed
from app.core.rows import fetch_rows

ModelT = TypeVar("ModelT", bound=Base)
ResponseT = TypeVar("ResponseT", bound=BaseModel)
Rows: TypeAlias = Select[*tuple[Any, ...]]


class _Statements:
    """The statements of a repository: building one takes SQLAlchemy longer than executing it."""

    def __init__(
        self,
        model: type[Base],
        response: type[BaseModel],
        filters: Mapping[str, ColumnElement[bool]],
    ) -> None:
        self.table = cast("Table", model.__table__)
        by_name = model.__mapper__.columns
        self.columns = [by_name[name].label(name) for name in response.model_fields]
        self.insert = insert(self.table).returning(*self.columns)
        self.by_id: Rows = select(*self.columns).where(self.table.c.id == bindparam("id"))
        self.count = cache(self._count)
        self.page = lru_cache(maxsize=512)(self._page)
        self._filters = filters

    def expected(self, row_id: UUID | int, versions: frozenset[int] | None) -> ColumnElement[bool]:
        """Return the condition of a row with this id and one of `versions`, if given."""
        condition = self.table.c.id == row_id
        return condition if versions is None else condition & self.table.c.version.in_(versions)

    def _count(self, filters: frozenset[str]) -> Rows:
        counted = select(func.count().label("total")).select_from(self.table)
        return counted.where(*(self._filters[name] for name in filters))

    def _page(
        self,
        filters: frozenset[str],
        sort: str,
        limit: int,
        *,
        after: bool,
        skip: bool,
    ) -> Rows:
        # The limit is written into it: a plan is kept only where that is no parameter.
        order = [self.table.c[sort.removeprefix("-")], self.table.c.id]
        descending = sort.startswith("-")
        statement = (
            select(*self.columns)
            .where(*(self._filters[name] for name in filters))
            .order_by(*(key.desc() if descending else key for key in order))
            .limit(literal_column(str(limit)))
        )
        if skip:
            statement = statement.offset(bindparam("offset"))
        if after:
            named = zip(("after", "after_id"), order, strict=True)
            last = tuple_(*(bindparam(name, type_=key.type) for name, key in named))
            this = tuple_(*order)
            statement = statement.where(this < last if descending else this > last)
        return statement


class Repository(Generic[ModelT, ResponseT]):
    """The rows of a table with an `id` and a `version`. A subclass sets the attributes.

    Attributes:
        model: the entity.
        response: the response schema; its fields are columns of the table, including `id`.
        filters: the conditions of lists; each has a `bindparam` of the same name.
        missing: raised if no row has the id.
        changed: raised if the row has none of the expected versions.
        taken: errors by the name of a unique constraint, raised if another row has the value.
    """

    model: type[ModelT]
    response: type[ResponseT]
    filters: ClassVar[Mapping[str, ColumnElement[bool]]] = {}
    missing: ClassVar[type[NotFound]] = NotFound
    changed: ClassVar[type[PreconditionFailed]] = PreconditionFailed
    taken: ClassVar[Mapping[str, type[Conflict]]] = {}

    _statements: ClassVar[_Statements]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._statements = _Statements(cls.model, cls.response, cls.filters)

    def __init__(self, session: AsyncSession | None = None) -> None:
        """Join the transaction of `session`; without a session, the repository only reads."""
        self._session = session

    @classmethod
    async def in_transaction(cls, session: SessionDep) -> Self:
        """Return a repository in the request's transaction: for `Depends`."""
        return cls(session)

    @classmethod
    async def for_reading(cls) -> Self:
        """Return a read-only repository, in autocommit: for `Depends`."""
        return cls()

    async def read(self, row_id: UUID | int) -> ResponseT:
        """Return the response of a row; raises `missing`."""
        rows = await self._rows(self._statements.by_id, {"id": row_id})
        if not rows:
            raise self.missing
        return self.response.model_validate(rows[0])

    async def page(self, page: PageParams, sort: str = "id", **filters: Any) -> Page[ResponseT]:
        """Return one page of the rows that match.

        Args:
            page: the requested page.
            sort: the field to sort by; a leading `-` reverses the order.
            filters: values by the names of `filters`; None matches any.
        """
        values = {name: value for name, value in filters.items() if value is not None}
        names = frozenset(values)
        total = None
        if page.with_total:
            total = (await self._rows(self._statements.count(names), values))[0]["total"]
        if page.after is not None:
            values["after"], values["after_id"] = page.after
        if page.offset:
            values["offset"] = page.offset
        statement = self._statements.page(
            names,
            sort,
            page.limit + 1,
            after=page.after is not None,
            skip=page.offset > 0,
        )
        rows = await self._rows(statement, values)
        found = [self.response.model_validate(row) for row in rows]
        return page.page(found, attrgetter(sort.removeprefix("-"), "id"), total)

    async def find(self, row_id: UUID | int) -> ModelT:
        """Return an entity, locked until the transaction ends; raises `missing`."""
        entity = await self._writing.get(self.model, row_id, with_for_update=True)
        if entity is None:
            raise self.missing
        return entity

    async def add(self, values: Mapping[str, Any]) -> ResponseT:
        """Store a new row; raises `taken` at once, not when the transaction commits."""
        with self._unique_values():
            stored = await self._writing.execute(self._statements.insert, values)
        return self.response.model_validate(dict(stored.mappings().one()))

    async def update(
        self,
        row_id: UUID | int,
        changes: Mapping[str, Any],
        versions: frozenset[int] | None = None,
    ) -> ResponseT:
        """Update a row that has one of `versions`; None allows any version.

        Of two concurrent updates of one version, the second waits for the transaction of the first
        and then raises `changed`. Raises `missing`, `changed` and `taken`.
        """
        table = self._statements.table
        statement = (
            update(table)
            .where(self._statements.expected(row_id, versions))
            .values(**changes, version=table.c.version + 1)
            .returning(*self._statements.columns)
        )
        with self._unique_values():
            changed = await self._writing.execute(statement)
        row = changed.mappings().one_or_none()
        if row is None:
            raise await self._refusal(row_id)
        return self.response.model_validate(dict(row))

    async def delete(self, row_id: UUID | int, versions: frozenset[int] | None = None) -> None:
        """Delete a row; raises `missing` and `changed` as `update` does."""
        table = self._statements.table
        gone = delete(table).where(self._statements.expected(row_id, versions))
        statement = gone.returning(table.c.id)
        if (await self._writing.execute(statement)).one_or_none() is None:
            raise await self._refusal(row_id)

    @property
    def _writing(self) -> AsyncSession:
        if self._session is None:
            raise RuntimeError("This repository only reads; use one with a session to write.")
        return self._session

    async def _rows(self, statement: Rows, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self._session is None:
            return await fetch_rows(statement, values)
        return [dict(row) for row in (await self._session.execute(statement, values)).mappings()]

    async def _refusal(self, row_id: UUID | int) -> DomainError:
        """Return why no row had this id and one of the expected versions."""
        exists = await self._rows(self._statements.by_id, {"id": row_id})
        return self.changed() if exists else self.missing()

    @contextmanager
    def _unique_values(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            for constraint, taken in self.taken.items():
                if f'"{constraint}"' in str(error.orig):
                    raise taken from error
            raise
