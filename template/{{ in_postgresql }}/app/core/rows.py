"""Rows by the shortest way: a compiled statement goes straight to the driver, without a session.

A small read takes SQLAlchemy three times as long as the driver alone, most of it in Python. What
the driver cannot do alone (a list of values for IN, say) takes SQLAlchemy's way, and so does a
statement that fails: SQLAlchemy says then what is wrong. `_by_sqlalchemy` can replace all of this.
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
_GREENLET: Final = AsyncSession()  # never begun: its `run_sync` leads to SQLAlchemy's greenlet

observe: Callable[[str], AbstractContextManager[None]] | None = None
"""Called with the SQL of each statement that the driver gets; what it returns surrounds it."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it."""

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
    """Return all that `statement` finds, by the names of its columns.

    Nothing but the statement goes to the server, and no connection is held afterwards. Build a
    statement once and give its values as `params`: compiling it takes longer than executing it.

    Raises:
        DatabaseUnavailable
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
            if isinstance(bind, AsyncConnection):  # that of a test, whose transaction goes on
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
        pooled.invalidate(error)  # what comes on this connection now is late, or never
        if isinstance(error, TimeoutError):
            raise DatabaseUnavailable("The database does not answer in time.") from error
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
    """Compile `statement`; None where the driver alone cannot execute it."""
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
