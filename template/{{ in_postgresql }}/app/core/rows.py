"""The fast path for reads: compiled statements are executed by the driver, without a session.

SQLAlchemy takes three times as long as the driver for a small read. Statements that the driver
cannot execute alone, such as those with an expanding IN, run through SQLAlchemy, and so do failed
ones, for its error messages. `_by_sqlalchemy` can replace this whole module.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from asyncpg import PostgresError
from sqlalchemy import ColumnElement, Dialect, Pool, Select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.types import TypeEngine

from app.core.database import DatabaseUnavailable, ReadSessionFactory, get_read_session_context

Convert: TypeAlias = Callable[[Any], Any]
Rows: TypeAlias = list[dict[str, Any]]
Statement: TypeAlias = Select[*tuple[Any, ...]]

_DRIVER: Final = "asyncpg"
_ECHO: Final = logging.getLogger("sqlalchemy.engine.Engine")
_GREENLET: Final = AsyncSession()  # never connects: its `run_sync` enters SQLAlchemy's greenlet

observe: Callable[[str], AbstractContextManager[None]] | None = None
"""Returns a context manager around each statement of the driver; called with its SQL."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement compiled for the driver."""

    sql: str
    parameters: tuple[tuple[str, Any, Convert | None], ...]  # name, value of its own, conversion
    conversions: tuple[tuple[str, Convert], ...]  # of columns, by name

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        return [
            convert(params.get(name, value)) if convert else params.get(name, value)
            for name, value, convert in self.parameters
        ]


_PREPARED: Final = WeakKeyDictionary[Statement, _Prepared | None]()


async def fetch_rows(
    statement: Statement,
    params: Mapping[str, Any] | None = None,
) -> Rows:
    """Return all rows of `statement` as mappings by column name.

    Runs in autocommit and returns the connection at once. Build a statement once and pass its
    values as `params`: compiling takes longer than executing.

    Raises:
        DatabaseUnavailable: the database is unavailable, or every connection is in use.
    """
    bind = ReadSessionFactory.kw["bind"]
    if bind is None:
        raise RuntimeError("The database is not open; open it with open_resources(settings).")
    if statement not in _PREPARED:
        _PREPARED[statement] = _prepare(statement, bind.dialect)
    prepared = _PREPARED[statement]
    if prepared is None or _ECHO.isEnabledFor(logging.INFO):
        return await _by_sqlalchemy(statement, params)
    arguments = prepared.arguments(params or {})
    try:
        with observe(prepared.sql) if observe else nullcontext():
            if isinstance(bind, AsyncConnection):  # of a test, in its transaction
                driver: Any = (await bind.get_raw_connection()).driver_connection
                async with driver.transaction():
                    found = await driver.fetch(prepared.sql, *arguments)
            else:
                found = await _by_driver(bind.sync_engine.pool, prepared.sql, arguments)
    except DatabaseUnavailable:
        raise
    except Exception:
        return await _by_sqlalchemy(statement, params)
    rows = [dict(record) for record in found]
    for name, convert in prepared.conversions:
        for row in rows:
            row[name] = convert(row[name])
    return rows


async def _by_driver(pool: Pool, sql: str, arguments: list[Any]) -> list[Any]:
    try:
        pooled = await _GREENLET.run_sync(lambda _: pool.connect())
    except PoolTimeoutError as error:
        raise DatabaseUnavailable("Every database connection is in use.") from error
    driver: Any = pooled.driver_connection
    try:
        found: list[Any] = await driver.fetch(sql, *arguments)
    except PostgresError:
        raise
    except BaseException as error:
        pooled.invalidate(error)  # a response on this connection would be late, or never come
        if isinstance(error, TimeoutError):
            raise DatabaseUnavailable("The database did not respond in time.") from error
        raise
    finally:
        pooled.close()
    return found


async def _by_sqlalchemy(
    statement: Statement,
    params: Mapping[str, Any] | None,
) -> Rows:
    async with get_read_session_context() as session:
        return [dict(row) for row in (await session.execute(statement, params)).mappings()]


def _prepare(statement: Statement, dialect: Dialect) -> _Prepared | None:
    """Compile `statement`; None if the driver cannot execute it alone."""
    if dialect.driver != _DRIVER or not isinstance(statement, Select):
        return None
    compiled: Any = statement.compile(dialect=dialect)
    if compiled.literal_execute_params or compiled.post_compile_params:
        return None
    values = compiled.construct_params(_check=False)
    return _Prepared(
        compiled.string,
        tuple(
            (name, values[name], _type(compiled.binds[name], dialect).bind_processor(dialect))
            for name in compiled.positiontup
        ),
        tuple(
            (str(column.key), convert)
            for column in statement.selected_columns
            if (convert := _type(column, dialect).result_processor(dialect, None))
        ),
    )


def _type(expression: ColumnElement[Any], dialect: Dialect) -> TypeEngine[Any]:
    return expression.type.dialect_impl(dialect)
