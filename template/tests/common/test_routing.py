"""Routes that become the application's own, against those that FastAPI includes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app.common.routing import add_routes
from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


async def reader() -> str:
    return "somebody"


ReaderDep = Annotated[str, Depends(reader)]


class OwnRoute(APIRoute):
    """A route of a class of its own."""


def routers() -> APIRouter:
    """Return a router with others in it, which use what FastAPI has to offer."""
    outer = APIRouter(prefix="/api", tags=["outer"], responses={418: {"description": "Tea."}})
    middle = APIRouter(prefix="/books", dependencies=[Depends(reader)], deprecated=True)
    inner = APIRouter(tags=["inner"], default_response_class=HTMLResponse)

    @inner.get("/{number}/page", operation_id="page")
    async def page(number: int) -> str:
        return f"<p>{number}"

    @middle.post("", status_code=201, response_model=Book, response_description="Added.")
    async def add(book: Book) -> Any:
        return book

    @middle.get("/all", include_in_schema=False)
    async def hidden() -> list[Book]:
        return []

    @middle.get("/lines")
    async def lines() -> AsyncIterator[Book]:
        yield Book()

    @outer.get("/me", summary="Who asks")
    async def me(name: ReaderDep) -> str:
        return name

    own = APIRouter(prefix="/own", route_class=OwnRoute)
    own.get("")(me)
    middle.include_router(inner, prefix="/inner", include_in_schema=True)
    outer.include_router(middle)
    outer.include_router(own)
    return outer


def included(router: APIRouter) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    return app


def added(router: APIRouter) -> FastAPI:
    app = FastAPI()
    add_routes(app, router)
    return app


def test_the_document_is_that_of_included_routers() -> None:
    assert added(routers()).openapi() == included(routers()).openapi()


async def test_they_answer_as_those_of_included_routers() -> None:
    for method, path in (
        ("GET", "/api/books/inner/3/page"),
        ("GET", "/api/books/inner/three/page"),
        ("POST", "/api/books"),
        ("PUT", "/api/books"),
        ("GET", "/api/books/lines"),
        ("GET", "/api/books/all"),
        ("GET", "/api/books/all/"),
        ("GET", "/api/me"),
        ("GET", "/api/own"),
        ("GET", "/api/nothing"),
    ):
        answers = []
        for app in (added(routers()), included(routers())):
            async with client_of(app) as client:
                answer = await client.request(method, path, json={"title": "Emma"})
                answers.append((answer.status_code, answer.headers, answer.text))
        assert answers[0] == answers[1], path


def test_each_is_a_route_of_the_application(settings: Settings) -> None:
    paths = {route.path for route in create_app(settings).routes if isinstance(route, APIRoute)}
    assert "/health/live" in paths
    app = added(routers())
    own = {route.path: type(route) for route in app.routes if isinstance(route, APIRoute)}
    assert own["/api/books/inner/{number}/page"] is APIRoute
    assert own["/api/own"] is OwnRoute


def test_the_class_of_a_routers_routes_holds_for_the_routers_in_it() -> None:
    outer, inner = APIRouter(route_class=OwnRoute), APIRouter()
    inner.get("/inner")(reader)
    around = APIRouter()
    around.include_router(outer)
    outer.include_router(inner)
    classes = {type(route) for route in added(around).routes if isinstance(route, APIRoute)}
    assert classes == {OwnRoute}


async def test_a_dependency_can_be_overridden() -> None:
    app = added(routers())
    app.dependency_overrides[reader] = lambda: "nobody"
    async with client_of(app) as client:
        assert (await client.get("/api/me")).json() == "nobody"


def test_what_is_no_plain_route_is_served_too() -> None:
    events = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        events.append("begin")
        yield
        events.append("end")

    router, inner = APIRouter(prefix="/api", lifespan=lifespan), APIRouter(prefix="/inner")
    inner.mount("/mounted", PlainTextResponse("mounted"))

    @inner.get("/plain")
    async def plain(name: ReaderDep) -> str:
        return name

    @inner.websocket("/echo")
    async def echo(socket: WebSocket, name: ReaderDep) -> None:
        await socket.accept()
        await socket.send_text(name)

    router.include_router(inner)
    app = added(router)
    app.dependency_overrides[reader] = lambda: "nobody"
    with TestClient(app) as client:
        assert client.get("/api/inner/plain").json() == "nobody"
        assert client.get("/api/mounted/").text == "mounted"
        with client.websocket_connect("/api/inner/echo") as socket:
            assert socket.receive_text() == "nobody"
        assert events == ["begin"]
    assert events == ["begin", "end"]


async def test_limits_for_forms_stay_where_they_were_set() -> None:
    router, limited = APIRouter(), APIRouter(form_limits={"max_fields": 1})
    limited.get("/limited")(reader)
    router.include_router(limited)
    app = added(router)
    assert not any(getattr(route, "path", "") == "/limited" for route in app.routes)
    async with client_of(app) as client:
        assert (await client.get("/limited")).json() == "somebody"
