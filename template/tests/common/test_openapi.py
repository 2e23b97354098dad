"""The OpenAPI document against what callers really get."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel

from app.common.response_envelope import without_envelope
from app.core.errors import ServiceUnavailable, error_responses
from tests.asgi import client_of, small_app


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


@pytest.fixture
def app() -> FastAPI:
    """An application with answers of every kind."""
    app, router = small_app(), APIRouter()

    @router.get("/book")
    async def book() -> Book:
        return Book()

    @router.post("/book", status_code=201)
    async def add_book(book: Book) -> Book:
        return book

    @router.get("/books")
    async def books() -> list[Book]:
        return [Book()]

    @router.get("/count", operation_id="count_books")
    async def count() -> int:
        return 1

    @router.delete("/book", status_code=204)
    async def remove() -> None: ...

    @router.get("/bare", dependencies=[Depends(without_envelope)])
    async def bare() -> Book:
        return Book()

    @router.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<p>"

    @router.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[Book]:
        yield Book()

    app.include_router(router, prefix="/api")
    return app


def answer(app: FastAPI, method: str, path: str, status: int) -> Any:
    return app.openapi()["paths"][path][method]["responses"][str(status)]


@pytest.mark.parametrize(
    ("method", "path", "status", "component"),
    [
        ("get", "/api/book", 200, "Envelope_Book"),
        ("post", "/api/book", 201, "Envelope_201_Book"),
        ("get", "/api/books", 200, "Envelope_List_Book"),
        ("get", "/api/count", 200, "Envelope_count_books"),
        ("get", "/api/bare", 200, "Book"),
    ],
)
def test_an_answer_is_documented_under_a_readable_name(
    app: FastAPI,
    method: str,
    path: str,
    status: int,
    component: str,
) -> None:
    schema = answer(app, method, path, status)["content"]["application/json"]["schema"]

    assert schema == {"$ref": f"#/components/schemas/{component}"}
    assert component in app.openapi()["components"]["schemas"]


async def test_the_documented_envelope_has_the_members_and_the_code_that_are_sent(
    app: FastAPI,
) -> None:
    async with client_of(app) as client:
        sent = (await client.post("/api/book", json={"title": "Ubik"})).json()

    schema = app.openapi()["components"]["schemas"]["Envelope_201_Book"]
    assert list(schema["properties"]) == list(sent)
    assert sorted(schema["required"]) == sorted(sent)
    assert schema["properties"]["code"]["const"] == sent["code"] == 201
    assert schema["properties"]["data"] == {"$ref": "#/components/schemas/Book"}


def test_what_is_not_wrapped_is_documented_as_it_is(app: FastAPI) -> None:
    assert "content" not in answer(app, "delete", "/api/book", 204)
    assert list(answer(app, "get", "/api/page", 200)["content"]) == ["text/html"]
    assert list(answer(app, "get", "/api/events", 200)["content"]) == ["text/event-stream"]


async def test_a_body_that_cannot_be_read_is_refused_as_documented(app: FastAPI) -> None:
    async with client_of(app) as client:
        headers = {"Content-Type": "application/json"}
        response = await client.post("/api/book", content=b"\xff", headers=headers)

    schema = answer(app, "post", "/api/book", 400)["content"]["application/json"]["schema"]
    envelope, narrowed = schema["allOf"]
    assert envelope == {"$ref": "#/components/schemas/FailureEnvelope"}
    assert response.status_code == response.json()["code"] == 400
    assert response.json()["error"] in narrowed["properties"]["error"]["enum"]
    assert "400" not in app.openapi()["paths"]["/api/book"]["get"]["responses"]


def test_any_reason_may_stand_in_a_503_which_every_operation_documents(app: FastAPI) -> None:
    class ShelfLocked(ServiceUnavailable):
        """The shelf is locked."""

    @app.get("/shelf", responses=error_responses(ShelfLocked))
    async def shelf() -> None: ...

    documented = [answer(app, "get", path, 503) for path in ("/shelf", "/api/book")]

    for response in documented:
        _, narrowed = response["content"]["application/json"]["schema"]["allOf"]
        assert narrowed["properties"]["error"] == {"type": "string"}
    assert documented[0]["description"] == "The shelf is locked."


def test_no_parameter_is_said_to_take_null_which_cannot_be_sent(app: FastAPI) -> None:
    @app.get("/found")
    async def found(
        author: str | None = None,
        year: int | str | None = None,
        if_match: Annotated[str | None, Header()] = None,
    ) -> None: ...

    parameters = app.openapi()["paths"]["/found"]["get"]["parameters"]

    said = {each["name"]: {**each["schema"], "title": None} for each in parameters}
    assert said == {
        "author": {"type": "string", "title": None},
        "year": {"anyOf": [{"type": "integer"}, {"type": "string"}], "title": None},
        "if-match": {"type": "string", "title": None},
    }


def test_a_route_that_is_added_later_is_documented_too_and_nothing_is_wrapped_twice(
    app: FastAPI,
) -> None:
    first = app.openapi()
    assert app.openapi() is first

    @app.get("/late")
    async def late() -> Book:
        return Book()

    later = app.openapi()
    assert "/late" in later["paths"]
    data = later["components"]["schemas"]["Envelope_Book"]["properties"]["data"]
    assert data == {"$ref": "#/components/schemas/Book"}
