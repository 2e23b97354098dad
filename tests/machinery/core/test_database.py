"""Sessions: one request, one transaction, over before the response leaves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.types import Message, Receive, Scope, Send

import app.core.database as database
from app.core.config import Settings
from app.core.database import (
    DatabaseUnavailable,
    ReadSessionDep,
    ReadSessionFactory,
    check_database,
    connected_engine,
    create_db_and_tables,
    get_async_session,
    get_read_session,
    get_session_context,
)
from app.core.dialect import LOST, own_connection
from app.core.resource import StartupError
from app.main import create_app
from tests.machinery.ending_late import ending_late
from tests.polling import until

router = APIRouter()


class SeparateBase(DeclarativeBase):
    """Keeps the table of these tests apart from those that migrations make."""


class Note(SeparateBase):
    """A row of the table that `engine` makes."""

    __tablename__ = "notes"

    note: Mapped[str] = mapped_column(primary_key=True)


@router.get("/state")
async def state_of_its_connection(session: ReadSessionDep) -> str:
    pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
    async with get_session_context() as other:
        return str((await other.execute(state, {"pid": pid})).scalar_one())


@pytest.fixture
async def engine(app: FastAPI) -> AsyncIterator[AsyncEngine]:
    """The application's engine, and a table whose foreign key is checked at the commit."""
    engine: AsyncEngine = app.state.resources["database"]
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "CREATE TABLE notes (note text PRIMARY KEY, answers text "
                "REFERENCES notes DEFERRABLE INITIALLY DEFERRED)",
            ),
        )
    yield engine
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE notes"))


async def notes(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(text("SELECT note FROM notes"))).scalars())


class LookingAtTheStart:
    """Notes which rows others see when the response begins to leave."""

    def __init__(self, application: FastAPI, engine: AsyncEngine) -> None:
        self.seen: list[str] = []
        self._application = application
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def look_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.seen = await notes(self._engine)
            await send(message)

        await self._application(scope, receive, look_and_send)


@pytest.fixture(scope="module")
def application(settings: Settings) -> FastAPI:
    application = create_app(settings)
    application.include_router(router)
    return application


@pytest.fixture
def observer(application: FastAPI, engine: AsyncEngine) -> LookingAtTheStart:
    return LookingAtTheStart(application, engine)


@pytest.fixture
async def client(observer: LookingAtTheStart) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=observer)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_connections_that_the_server_ended_are_replaced_unnoticed(settings: Settings) -> None:
    async with connected_engine(settings) as engine:
        async with engine.connect() as one, engine.connect() as other:
            ended = [await pid(one), await pid(other)]
            sockets = [(await each.get_raw_connection()).driver_connection for each in (one, other)]
        await end(ended, settings)
        await until(partial(are_closed, sockets))
        async with engine.connect() as one, engine.connect() as other:
            assert not {await pid(one), await pid(other)} & {*ended}


async def test_a_connection_that_has_rested_is_tried_before_its_use(settings: Settings) -> None:
    rested = settings.model_copy(update={"DB_POOL_PING_AFTER": 0})
    async with ending_late(rested) as (ending, say_farewell), connected_engine(ending) as engine:
        async with engine.connect() as connection:
            first = await pid(connection)
        await say_farewell()
        async with engine.connect() as connection:
            assert await pid(connection) != first


async def test_a_statement_that_runs_when_the_server_ends_fails(settings: Settings) -> None:
    async with ending_late(settings) as (ending, say_farewell), connected_engine(ending) as engine:
        async with engine.connect() as one:
            found = text("SELECT state = 'active' FROM pg_stat_activity WHERE pid = :pid")
            server = await pid(one)
            running = asyncio.create_task(one.execute(text("SELECT 1 FROM pg_sleep(0.5)")))

            async def runs() -> bool:
                async with engine.connect() as other:
                    return bool((await other.execute(found, {"pid": server})).scalar_one())

            await until(runs)
            await say_farewell()
            with pytest.raises(DBAPIError) as failure:
                await running
        assert failure.value.connection_invalidated


async def test_connections_that_end_between_two_uses_fail_once_for_all_of_them(
    settings: Settings,
) -> None:
    used = settings.model_copy(update={"DB_POOL_PING_AFTER": 60})
    async with ending_late(used) as (ending, say_farewell), connected_engine(ending) as engine:
        async with engine.connect() as one, engine.connect() as other:
            ended = {await pid(one), await pid(other)}
        await say_farewell()
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as failure:
                await pid(connection)
        assert failure.value.connection_invalidated  # which requests answer with 503
        async with engine.connect() as one, engine.connect() as other:
            assert not {await pid(one), await pid(other)} & ended


async def test_a_statement_that_takes_too_long_is_an_outage_and_the_next_gets_another_connection(
    settings: Settings,
) -> None:
    hasty = settings.model_copy(update={"DB_STATEMENT_TIMEOUT": 0.1})
    async with connected_engine(hasty) as engine:
        async with engine.connect() as connection:
            slow = await pid(connection)
            with pytest.raises(DatabaseUnavailable, match="in time"):
                await connection.execute(text("SELECT pg_sleep(60)"))
        async with engine.connect() as connection:
            assert await pid(connection) != slow


async def fail_with(code: str) -> None:
    async with get_session_context() as session:
        await session.execute(text(f"DO $$ BEGIN RAISE 'x' USING ERRCODE = '{code}'; END $$"))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("25006", "accepts no changes"),  # read-only, after a failover
        ("40P01", "Another request is changing"),  # deadlock
        ("53100", "lacks resources"),  # disk full
        ("53300", "lacks resources"),  # too many connections
        ("55P03", "Another request is using"),  # lock_timeout
        ("57014", "canceled this"),  # statement_timeout, pg_cancel_backend
        ("57P01", "canceled this"),  # admin shutdown
        ("58030", "its disk"),
    ],
)
async def test_a_server_that_says_not_now_is_an_outage(code: str, reason: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=reason) as refused:
        await fail_with(code)
    assert "Retry-After" in (refused.value.headers or {})


@pytest.mark.usefixtures("app")
async def test_a_statement_that_is_wrong_is_no_outage() -> None:
    with pytest.raises(DBAPIError):
        await fail_with("22012")


async def test_a_server_that_takes_no_changes_is_left_for_what_has_taken_over(
    settings: Settings,
) -> None:
    async with connected_engine(settings) as engine:
        async with engine.connect() as one, engine.connect() as other:
            before = {await pid(one), await pid(other)}
            await one.rollback()
            await one.execute(text("SET TRANSACTION READ ONLY"))
            with pytest.raises(DBAPIError):
                await one.execute(text("CREATE TABLE never ()"))
        async with engine.connect() as one, engine.connect() as other:
            assert not {await pid(one), await pid(other)} & before


async def test_a_database_that_takes_no_changes_is_not_ready_and_nobody_leads_there(
    settings: Settings,
) -> None:
    read_only = f"{settings.database_url_sync}?options=-c%20default_transaction_read_only%3Don"
    standby = settings.model_copy(update={"DATABASE_URL": SecretStr(read_only)})
    async with connected_engine(standby) as engine:
        with pytest.raises(DatabaseUnavailable, match="accepts no changes"):
            await check_database(engine)
    async with own_connection(standby, "test") as connection:
        with pytest.raises(LOST, match="accepts no changes"):
            await connection.lead("test")


async def end(pids: list[int], settings: Settings) -> None:
    async with connected_engine(settings) as engine, engine.connect() as connection:
        statement = text(
            "SELECT pg_terminate_backend(pid) FROM unnest(CAST(:pids AS int[])) AS pid"
        )
        await connection.execute(statement, {"pids": pids})


async def are_closed(connections: list[Any]) -> bool:
    return all(connection.is_closed() for connection in connections)


async def pid(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def test_reading_leaves_no_transaction_open(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/state")).json()["data"] == "idle"


@pytest.mark.usefixtures("engine")
async def test_a_session_for_reading_refuses_to_write() -> None:
    async with ReadSessionFactory() as session:
        session.add(Note(note="one"))
        with pytest.raises(RuntimeError, match="only reads"):
            await session.flush()
        with pytest.raises(RuntimeError, match="only reads"):
            await session.execute(insert(Note).values(note="one"))


def dependencies(dependant: Dependant) -> Iterator[Dependant]:
    """Yield what a route depends on, and what that depends on."""
    for dependency in dependant.dependencies:
        yield dependency
        yield from dependencies(dependency)


def sessions(application: FastAPI) -> Iterator[tuple[str | None, str | None]]:
    """Yield the path of each route that takes a session, and the scope that this has."""
    for route in iter_route_contexts(application.routes):
        dependant = getattr(route, "dependant", None) or Dependant()
        for dependency in dependencies(dependant):
            if dependency.call in {get_async_session, get_read_session}:
                yield route.path, dependency.scope


def test_a_route_that_would_commit_after_its_response_is_found(settings: Settings) -> None:
    late = APIRouter()

    @late.get("/late")
    async def read(session: Annotated[AsyncSession, Depends(get_async_session)]) -> None: ...

    application = create_app(settings)
    application.include_router(late, prefix="/too")
    assert ("/too/late", None) in sessions(application)


async def test_a_database_that_is_missing_is_explained(settings: Settings) -> None:
    missing = settings.database_url.rpartition("/")[0] + f"/missing_{uuid4().hex}"
    changes = {"DATABASE_URL": SecretStr(missing), "STARTUP_TIMEOUT": 20}  # not waited for
    with pytest.raises(StartupError, match="does not exist"):
        async with connected_engine(settings.model_copy(update=changes)):
            pass


async def test_the_engine_is_there_while_the_database_is_open(app: FastAPI) -> None:
    assert database.async_engine is app.state.resources["database"]


@pytest.mark.usefixtures("app")
async def test_creating_tables_leaves_those_that_are_there() -> None:
    await create_db_and_tables(max_attempts=1)
