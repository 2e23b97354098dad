"""Rows straight from the driver: the same as SQLAlchemy gives, and the same errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import (
    JSON,
    Enum,
    Integer,
    Select,
    Uuid,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from app.core.config import Settings
from app.core.database import DatabaseUnavailable, ReadSessionFactory, create_engine
from app.core.rows import fetch_rows
from tests.machinery.ending_late import ending_late


class Color(StrEnum):
    """Stored by its name."""

    RED = "the red one"


NUMBERS = select(column("number", Integer)).select_from(func.generate_series(1, 3).alias("number"))
TYPED = select(
    bindparam("color", type_=Enum(Color, native_enum=False)).label("color"),
    bindparam("data", type_=JSON).label("data"),
    bindparam("id", type_=Uuid).label("id"),
)
PID = select(func.pg_backend_pid().label("pid"))
VALUES = {"color": Color.RED, "data": {"a": [1]}, "id": uuid4()}


@pytest.mark.usefixtures("app")
async def test_values_come_back_as_they_went_in() -> None:
    found = await fetch_rows(TYPED, VALUES)
    assert found == [VALUES]
    assert isinstance(found[0]["color"], Color)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (NUMBERS.where(column("number") > bindparam("least")), {"least": 1}),
        (NUMBERS.where(column("number") > 1), {}),
        (NUMBERS.where(column("number").in_(bindparam("some", expanding=True))), {"some": [2, 3]}),
        (NUMBERS.where(column("number").in_([2, 3])), {}),
    ],
    ids=["parameter", "value", "list", "list of its own"],
)
@pytest.mark.usefixtures("app")
async def test_a_statement_takes_its_values(
    statement: Select[*tuple[Any, ...]],
    values: dict[str, Any],
) -> None:
    for _ in range(2):
        assert await fetch_rows(statement, values) == [{"number": 2}, {"number": 3}]


async def test_a_tests_transaction_is_seen_and_outlives_a_failure(
    transaction: AsyncConnection,
) -> None:
    await transaction.execute(text("CREATE TEMPORARY TABLE notes AS SELECT 1 AS number"))
    notes = select(column("number", Integer)).select_from(text("notes"))
    assert await fetch_rows(notes) == [{"number": 1}]
    with pytest.raises(DBAPIError, match="division by zero"):
        await fetch_rows(select(1 / func.length(bindparam("text"))), {"text": ""})
    assert await fetch_rows(notes) == [{"number": 1}]


@asynccontextmanager
async def reading_from(settings: Settings) -> AsyncIterator[AsyncAdaptedQueuePool]:
    """Let rows be read by an engine of these settings, and yield its pool."""
    engine = create_engine(settings)
    usual = ReadSessionFactory.kw["bind"]
    ReadSessionFactory.configure(bind=engine)
    try:
        yield cast("AsyncAdaptedQueuePool", engine.pool)
    finally:
        ReadSessionFactory.configure(bind=usual)
        await engine.dispose()


async def pid() -> int:
    (row,) = await fetch_rows(PID)
    return int(row["pid"])


@pytest.mark.usefixtures("app")
async def test_no_connection_is_held_and_one_that_ended_is_replaced(settings: Settings) -> None:
    used = settings.model_copy(update={"DB_POOL_PING_AFTER": 60})
    async with ending_late(used) as (ending, say_farewell), reading_from(ending) as pool:
        first = await pid()
        assert (await pid(), pool.checkedout()) == (first, 0)
        await say_farewell()
        assert await pid() != first
        assert pool.checkedout() == 0


@pytest.mark.usefixtures("app")
async def test_a_read_that_takes_too_long_is_an_outage_and_costs_its_connection(
    settings: Settings,
) -> None:
    async with reading_from(settings.model_copy(update={"DB_STATEMENT_TIMEOUT": 0.1})) as pool:
        slow = await pid()
        with pytest.raises(DatabaseUnavailable, match="in time"):
            await fetch_rows(select(func.pg_sleep(60)))
        assert (await pid() != slow, pool.checkedout()) == (True, 0)


@pytest.mark.usefixtures("app")
async def test_without_a_free_connection_a_read_is_an_outage(settings: Settings) -> None:
    few = {"DB_POOL_SIZE": 1, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 0.1}
    async with reading_from(settings.model_copy(update=few)) as pool:
        engine: AsyncEngine = ReadSessionFactory.kw["bind"]
        async with engine.connect():
            with pytest.raises(DatabaseUnavailable, match="in use"):
                await pid()
        assert pool.checkedout() == 0
