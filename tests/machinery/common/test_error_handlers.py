"""How failures reach the caller, the log and the OpenAPI document."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Response
from pydantic import BaseModel, Field, field_validator
from starlette.responses import StreamingResponse

from app.common.error_handlers import error_responses
from app.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    Unauthorized,
    Unprocessable,
)
from tests.asgi import client_of, small_app
from tests.machinery.asgi import get


class BookNotFound(NotFound):
    """No book has this id.

    What follows is for readers of the code.
    """


class TitleTaken(Conflict):
    """Another book has this title."""


class Unreadable(Unprocessable):
    """The book cannot be read."""


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


async def test_a_domain_error_may_bring_a_text_and_headers_of_its_own() -> None:
    response = await answer_to(TitleTaken("Dune is taken.", headers={"ETag": '"3"'}))

    assert response.json()["message"] == "Dune is taken."
    assert response.json()["error"] == "title_taken"
    assert response.headers["etag"] == '"3"'


async def test_a_method_that_is_not_taken_is_told_all_that_are_whichever_router_has_them() -> None:
    app = small_app()
    reading, writing = APIRouter(prefix="/books"), APIRouter(prefix="/books")

    @reading.get("/{book_id}")
    async def read(book_id: int) -> None: ...

    @writing.patch("/{book_id}")
    @writing.delete("/{book_id}")
    async def change(book_id: int) -> None: ...

    for router in (reading, writing):
        app.include_router(router, prefix="/api")

    async with client_of(app) as client:
        response = await client.put("/api/books/1")

    assert (response.status_code, response.json()["error"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD, PATCH"


@pytest.mark.parametrize(
    ("error", "status", "code", "header"),
    [
        (Unauthorized(), 401, "unauthorized", ("www-authenticate", "Bearer")),
        (ServiceUnavailable(retry_after=7), 503, "service_unavailable", ("retry-after", "7")),
    ],
)
async def test_an_error_whose_status_calls_for_a_header_has_it(
    error: DomainError,
    status: int,
    code: str,
    header: tuple[str, str],
) -> None:
    response = await answer_to(error)

    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.headers[header[0]] == header[1]


async def test_a_body_that_is_not_json_is_said_to_be_that() -> None:
    app = small_app()

    @app.post("/books")
    async def add(book: Book) -> None:
        raise AssertionError

    async with client_of(app) as client:
        headers = {"content-type": "application/json"}
        response = await client.post("/books", content=b'{"title": }', headers=headers)

    (fault,) = response.json()["data"]["errors"]
    assert response.status_code == 422
    assert (fault["location"], fault["field"]) == ("body", None)
    assert fault["reason"].startswith("This is not JSON: ")


async def test_what_the_framework_refuses_has_the_envelope_too() -> None:
    app = small_app()

    @app.get("/books")
    async def books() -> None: ...

    async with client_of(app) as client:
        nowhere, wrong_method = await client.get("/nowhere"), await client.delete("/books")

    assert nowhere.json() == {
        "code": 404,
        "message": "Not Found",
        "data": None,
        "error": "not_found",
    }
    assert wrong_method.status_code == wrong_method.json()["code"] == 405
    assert wrong_method.json()["error"] == "method_not_allowed"
    assert wrong_method.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("cls", [NotFound, Forbidden, PayloadTooLarge, Unprocessable])
async def test_an_http_exception_has_the_code_of_the_domain_error_of_its_status(
    cls: type[DomainError],
) -> None:
    response = await answer_to(HTTPException(cls.status, "The reason."))

    assert response.status_code == cls.status
    assert (response.json()["error"], response.json()["message"]) == (cls.code, "The reason.")


async def test_a_body_that_there_is_no_room_for_is_not_the_fault_of_its_sender() -> None:
    error = HTTPException(400, "There was an error parsing the body")
    error.__cause__ = OSError(28, "No space left on device")

    response = await answer_to(error)

    assert (response.status_code, response.json()["error"]) == (503, "service_unavailable")
    assert "space" not in response.text


async def test_an_http_exception_with_structured_detail_keeps_it_as_data() -> None:
    response = await answer_to(HTTPException(400, {"reason": 3}))

    assert (response.json()["message"], response.json()["data"]) == ("Bad Request", {"reason": 3})


async def test_an_error_in_the_middle_of_an_answer_reaches_the_server() -> None:
    app = small_app()

    @app.get("/books")
    async def books() -> Response:
        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("no more")

        return StreamingResponse(broken())

    async def send(_: object) -> None: ...

    with pytest.raises(RuntimeError, match="no more"):
        await get(app, "/books", send)


async def test_in_debug_mode_the_developer_sees_the_trace() -> None:
    app = small_app()
    app.debug = True

    @app.get("/books")
    async def books() -> None:
        raise RuntimeError("look here")

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/books")

    assert response.status_code == 500
    assert "RuntimeError: look here" in response.text


def documented(app: FastAPI, status: int) -> dict[str, object]:
    response = app.openapi()["paths"]["/books/{book_id}"]["get"]["responses"][str(status)]
    assert isinstance(response, dict)
    return response


async def test_the_documented_examples_are_what_callers_get() -> None:
    app = small_app()

    @app.get("/books/{book_id}", responses=error_responses(BookNotFound))
    async def book(book_id: int) -> None:
        raise BookNotFound

    async with client_of(app) as client:
        response = await client.get("/books/1")

    content = documented(app, 404)["content"]
    assert isinstance(content, dict)
    assert content["application/json"]["examples"]["book_not_found"]["value"] == response.json()


def test_the_documented_422_is_the_one_that_is_sent() -> None:
    app = small_app()

    @app.get("/books/{book_id}", responses=error_responses(Unreadable))
    async def book(book_id: int) -> None: ...

    @app.get("/shelves/{shelf}")
    async def shelf(shelf: int) -> None: ...

    document = app.openapi()
    plain = document["paths"]["/shelves/{shelf}"]["get"]["responses"]["422"]

    assert "HTTPValidationError" not in str(document)
    assert "#/components/schemas/ValidationFailure" in str(plain)
    assert "#/components/schemas/ValidationFailure" in str(documented(app, 422))
    assert "#/components/schemas/Unreadable" in str(documented(app, 422))
