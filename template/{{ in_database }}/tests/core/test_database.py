"""Sessions: one request, one transaction, over before the response leaves."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from starlette.types import Message, Receive, Scope, Send

from app.core.config import Settings
from app.core.database import (
    SessionDep,
    get_async_session,
    get_read_session,
)
from app.core.errors import Conflict
from app.main import create_app

router = APIRouter()


class Refused(Conflict):
    """The handler changed its mind."""


@router.post("/notes/{note}")
async def write(note: str, session: SessionDep) -> str:
    await session.execute(text("INSERT INTO notes VALUES (:note)"), {"note": note})
    return note


@router.post("/refused/{note}")
async def write_and_refuse(note: str, session: SessionDep) -> None:
    await write(note, session)
    raise Refused


@router.post("/unfinished")
async def write_what_cannot_be_committed(session: SessionDep) -> None:
    await session.execute(text("INSERT INTO notes VALUES ('answer', 'missing question')"))


@router.post("/interrupted")
async def lose_the_connection(session: SessionDep) -> None:
    await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@router.post("/waiting")
async def write_and_wait(session: SessionDep) -> None:
    await write("waiting", session)
    await asyncio.Event().wait()


@router.post("/querying")
async def write_and_query(session: SessionDep) -> None:
    await write("querying", session)
    await session.execute(text("SELECT pg_sleep(60)"))


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


async def test_a_change_is_committed_before_the_response_leaves(
    client: httpx2.AsyncClient,
    observer: LookingAtTheStart,
) -> None:
    assert (await client.post("/notes/one")).status_code == 200
    assert observer.seen == ["one"]


async def test_an_error_takes_the_change_back(
    client: httpx2.AsyncClient,
    engine: AsyncEngine,
) -> None:
    assert (await client.post("/refused/one")).status_code == 409
    assert await notes(engine) == []


async def test_a_commit_that_fails_is_never_a_success(
    client: httpx2.AsyncClient,
    engine: AsyncEngine,
) -> None:
    answer = await client.post("/unfinished")
    assert (answer.status_code, answer.json()["code"]) == (500, 500)
    assert await notes(engine) == []


@pytest.mark.parametrize("path", ["/waiting", "/querying"])
async def test_a_request_that_takes_too_long_leaves_nothing_and_its_connection_is_free(
    settings: Settings,
    engine: AsyncEngine,
    path: str,
) -> None:
    application = create_app(settings.model_copy(update={"REQUEST_TIMEOUT": 0.3}))
    application.include_router(router)
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        async with asyncio.timeout(30):
            answer = await client.post(path)
        assert (answer.status_code, answer.json()["error"]) == (503, "request_timed_out")
        assert await notes(engine) == []
        assert isinstance(engine.pool, AsyncAdaptedQueuePool)
        assert engine.pool.checkedout() == 0
        assert (await client.post("/notes/one")).status_code == 200


async def test_a_connection_that_is_lost_is_an_outage_and_the_next_request_gets_another(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/interrupted")
    assert answer.status_code == 503
    assert answer.json()["error"] == "database_unavailable"
    assert (await client.post("/notes/one")).status_code == 200


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


def test_no_route_commits_after_its_response(settings: Settings) -> None:
    application = create_app(settings)
    assert [path for path, scope in sessions(application) if scope != "function"] == []
