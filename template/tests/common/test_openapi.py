"""The OpenAPI document against what callers really get, and what client generators need."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from app.common.error_handlers import error_responses
from app.core.errors import NotFound
from tests.asgi import client_of, small_app


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


class BookNotFound(NotFound):
    """No book has this id."""


class ShelfNotFound(NotFound):
    """No shelf has this id."""


@pytest.fixture
def app() -> FastAPI:
    """An application with an answer."""
    app, router = small_app(), APIRouter()

    @router.get("/book")
    async def book() -> Book:
        return Book()

    @router.post("/book", status_code=201)
    async def add_book(book: Book) -> Book:
        return book

    app.include_router(router, prefix="/api")
    return app


def answer(app: FastAPI, method: str, path: str, status: int) -> Any:
    return app.openapi()["paths"][path][method]["responses"][str(status)]


def component(app: FastAPI, name: str) -> Any:
    return app.openapi()["components"]["schemas"][name]


async def test_the_documented_envelope_has_the_members_and_the_code_that_are_sent(
    app: FastAPI,
) -> None:
    async with client_of(app) as client:
        sent = (await client.post("/api/book", json={"title": "Ubik"})).json()

    schema = component(app, "Envelope_201_Book")
    assert list(schema["properties"]) == list(sent)
    assert sorted(schema["required"]) == sorted(sent)
    assert schema["properties"]["code"]["const"] == sent["code"] == 201
    assert schema["properties"]["data"] == {"$ref": "#/components/schemas/Book"}


def test_each_error_is_a_type_that_its_code_identifies(app: FastAPI) -> None:
    @app.get("/lent", responses=error_responses(BookNotFound, ShelfNotFound))
    async def lent() -> None: ...

    schema = answer(app, "get", "/lent", 404)["content"]["application/json"]["schema"]

    names = ("BookNotFound", "ShelfNotFound")
    assert schema == {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    properties = component(app, "ShelfNotFound")["properties"]
    assert properties["error"] == {"type": "string", "const": "shelf_not_found"}
    assert properties["code"] == {"type": "integer", "const": 404}
    assert properties["data"] == {"type": "null"}
