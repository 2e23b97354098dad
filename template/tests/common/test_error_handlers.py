"""How failures reach the caller, the log and the OpenAPI document."""

import httpx2
from fastapi import FastAPI
from loguru import logger
from pydantic import BaseModel, Field, field_validator

from app.common.error_handlers import error_responses
from app.core.errors import (
    Conflict,
    NotFound,
)
from app.core.request_id import get_request_id
from tests.asgi import client_of, small_app


class BookNotFound(NotFound):
    """No book has this id.

    What follows is for readers of the code.
    """


class TitleTaken(Conflict):
    """Another book has this title."""


class ShelfFull(Conflict):
    """The shelf holds no more books."""


class Book(BaseModel):
    """A body to be validated."""

    title: str = Field(min_length=1)
    pages: list[int]

    @field_validator("title")
    @classmethod
    def _not_shouted(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("do not shout")
        return value


async def answer_to(error: Exception) -> httpx2.Response:
    app = small_app()

    @app.get("/books")
    async def books() -> None:
        raise error

    async with client_of(app) as client:
        return await client.get("/books")


async def test_a_domain_error_becomes_its_status_and_an_envelope_that_names_it() -> None:
    response = await answer_to(BookNotFound())

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "code": 404,
        "message": "No book has this id.",
        "data": None,
        "error": "book_not_found",
    }


async def test_a_request_that_is_not_valid_is_told_every_fault_and_none_of_its_values() -> None:
    app = small_app()

    @app.post("/books/{shelf}")
    async def add(shelf: int, book: Book, copies: int = 1) -> None:
        raise AssertionError

    async with client_of(app) as client:
        body = {"title": "hunter2".upper(), "pages": [1, "hunter2"]}
        response = await client.post("/books/first?copies=hunter2", json=body)

    assert response.status_code == 422
    answer = response.json()
    assert (answer["code"], answer["error"]) == (422, "validation_error")
    faults = {(fault["location"], fault["field"]): fault for fault in answer["data"]["errors"]}
    assert set(faults) == {
        ("path", "shelf"),
        ("query", "copies"),
        ("body", "title"),
        ("body", "pages.1"),
    }
    assert faults["body", "title"]["reason"] == "do not shout"
    assert "hunter2" not in response.text.lower()


async def test_an_unexpected_error_tells_the_caller_nothing_and_the_log_everything() -> None:
    logged: list[tuple[str | None, str]] = []
    sink = logger.add(lambda message: logged.append((get_request_id(), message)), filter="app")
    try:
        response = await answer_to(RuntimeError("the vault's combination is 1234"))
    finally:
        logger.remove(sink)

    assert response.status_code == 500
    assert response.json()["error"] == "internal_server_error"
    assert "vault" not in response.text
    ((request_id, message),) = logged
    assert request_id == response.headers["x-request-id"]
    assert "GET /books failed unexpectedly" in message
    assert "RuntimeError: the vault's combination is 1234" in message


def documented(app: FastAPI, status: int) -> dict[str, object]:
    response = app.openapi()["paths"]["/books/{book_id}"]["get"]["responses"][str(status)]
    assert isinstance(response, dict)
    return response


def test_errors_document_themselves() -> None:
    app = small_app()

    @app.get("/books/{book_id}", responses=error_responses(BookNotFound, TitleTaken, ShelfFull))
    async def book(book_id: int) -> None: ...

    not_found, conflict = documented(app, 404), documented(app, 409)

    assert not_found["description"] == "No book has this id."
    assert conflict["description"] == (
        "Another book has this title. The shelf holds no more books."
    )
    assert [name in str(conflict) for name in ("TitleTaken", "ShelfFull")] == [True, True]
    assert str(conflict).count("'data': None") == 2
    assert "#/components/schemas/BookNotFound" in str(not_found)
