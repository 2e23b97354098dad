"""The OpenAPI document against what callers really get, and what client generators need."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, ConfigDict

from app.common.error_handlers import error_responses
from app.common.response_envelope import ResponseEnvelope, without_envelope
from app.core.errors import NotFound, ServiceUnavailable, Unprocessable, raises
from tests.asgi import client_of, small_app


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


class BookNotFound(NotFound):
    """No book has this id."""


class ShelfNotFound(NotFound):
    """No shelf has this id."""


T = TypeVar("T")


class Shelf(BaseModel, Generic[T]):
    """A generic answer."""

    items: list[T]


class BookEnvelope(ResponseEnvelope[Book]):
    """An envelope with a name and a description of its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": {"title": "Ubik"}}]})


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

    @router.get("/shelf")
    async def shelf() -> Shelf[Book]:
        return Shelf(items=[Book()])

    @router.get("/envelope")
    async def envelope() -> ResponseEnvelope[Book]:
        return ResponseEnvelope(data=Book())

    @router.get("/subclass")
    async def subclass() -> BookEnvelope:
        return BookEnvelope(data=Book())

    @router.get("/either")
    async def either() -> ResponseEnvelope[Book] | Book:
        return Book()

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


def component(app: FastAPI, name: str) -> Any:
    return app.openapi()["components"]["schemas"][name]


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("get", "/api/book", 200, "Envelope_Book"),
        ("post", "/api/book", 201, "Envelope_201_Book"),
        ("get", "/api/books", 200, "Envelope_List_Book"),
        ("get", "/api/count", 200, "Envelope_count_books"),
        ("get", "/api/bare", 200, "Book"),
        ("get", "/api/shelf", 200, "Envelope_Shelf_Book"),
        ("get", "/api/envelope", 200, "ResponseEnvelope_Book"),
        ("get", "/api/subclass", 200, "BookEnvelope"),
    ],
)
def test_an_answer_is_documented_under_a_readable_name(
    app: FastAPI,
    method: str,
    path: str,
    status: int,
    name: str,
) -> None:
    schema = answer(app, method, path, status)["content"]["application/json"]["schema"]

    assert schema == {"$ref": f"#/components/schemas/{name}"}
    assert "x-envelope" not in component(app, name)


def test_an_envelope_or_data_is_documented_as_either_of_two_envelopes(app: FastAPI) -> None:
    schema = answer(app, "get", "/api/either", 200)["content"]["application/json"]["schema"]

    names = ("ResponseEnvelope_Book", "Envelope_Book")
    assert schema == {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}


def test_what_is_not_wrapped_is_documented_as_it_is(app: FastAPI) -> None:
    assert "content" not in answer(app, "delete", "/api/book", 204)
    assert list(answer(app, "get", "/api/page", 200)["content"]) == ["text/html"]
    assert list(answer(app, "get", "/api/events", 200)["content"]) == ["text/event-stream"]


async def test_a_body_that_cannot_be_read_is_refused_as_documented(app: FastAPI) -> None:
    async with client_of(app) as client:
        headers = {"Content-Type": "application/json"}
        response = await client.post("/api/book", content=b"\xff", headers=headers)

    schema = answer(app, "post", "/api/book", 400)["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/BadRequest"}
    assert response.status_code == response.json()["code"] == 400
    error = component(app, "BadRequest")["properties"]["error"]
    assert error == {"type": "string", "const": response.json()["error"]}
    assert "400" not in app.openapi()["paths"]["/api/book"]["get"]["responses"]


def test_any_reason_may_stand_in_a_503_which_every_operation_documents(app: FastAPI) -> None:
    class ShelfLocked(ServiceUnavailable):
        """The shelf is locked."""

    @app.get("/shelf", responses=error_responses(ShelfLocked))
    async def shelf() -> None: ...

    documented = [answer(app, "get", path, 503) for path in ("/shelf", "/api/book")]

    for response in documented:
        schema = response["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ServiceUnavailable"}
    assert component(app, "ServiceUnavailable")["properties"]["error"] == {"type": "string"}
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
    data = component(app, "Envelope_Book")["properties"]["data"]
    assert data == {"$ref": "#/components/schemas/Book"}


def test_an_operation_is_named_after_its_function_once(app: FastAPI) -> None:
    async def read() -> None: ...

    for path in ("/first", "/second", "/third"):
        app.get(path)(read)

    @app.get("/named", operation_id="read_get")
    async def named() -> None: ...

    document = app.openapi()["paths"]
    ids = {path: methods["get"]["operationId"] for path, methods in document.items()}
    assert document["/api/book"]["post"]["operationId"] == "add_book"
    assert (ids["/first"], ids["/named"]) == ("read", "read_get")
    assert len(ids) == len(set(ids.values()))


def test_a_body_of_several_parameters_has_a_readable_name(app: FastAPI) -> None:
    @app.post("/lent")
    async def lend(book: Book, days: Annotated[int, Body()]) -> None: ...

    assert sorted(component(app, "Body_lend")["properties"]) == ["book", "days"]
    content = app.openapi()["paths"]["/lent"]["post"]["requestBody"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Body_lend"}


def test_the_document_has_a_server_and_says_which_operations_are_public(app: FastAPI) -> None:
    @app.get("/mine", dependencies=[Depends(HTTPBearer())])
    async def mine() -> None: ...

    document = app.openapi()
    assert document["servers"] == [{"url": "/"}]
    assert document["paths"]["/api/book"]["get"]["security"] == []
    assert document["paths"]["/mine"]["get"]["security"] == [{"HTTPBearer": []}]


def test_orders_of_a_list_get_names_that_a_program_can_use(app: FastAPI) -> None:
    @app.get("/sorted")
    async def in_order(sort: Literal["title", "-title"] = "title") -> None: ...

    (parameter,) = app.openapi()["paths"]["/sorted"]["get"]["parameters"]
    assert parameter["schema"]["x-enum-varnames"] == ["TITLE", "TITLE_DESC"]


class InvalidShelf(Unprocessable):
    """This is no name of a shelf."""


@pytest.mark.parametrize("at_the_route", [True, False])
def test_what_a_dependency_raises_is_documented_at_its_routes(at_the_route: bool) -> None:
    app = small_app()

    @raises(ShelfNotFound, InvalidShelf)
    def shelf_of(name: str) -> str:
        return name

    @raises(BookNotFound)
    def handler(shelf: Annotated[str, Depends(shelf_of)]) -> Book:
        return Book(title=shelf)

    responses = error_responses(BookNotFound) if at_the_route else None
    app.add_api_route("/book", handler, responses=responses)
    documented = app.openapi()["paths"]["/book"]["get"]["responses"]

    assert documented.keys() == {"200", "404", "422", "503"}
    names = {}
    for status in ("404", "422"):
        content = documented[status]["content"]["application/json"]
        names[status] = {each["$ref"].rpartition("/")[2] for each in content["schema"]["oneOf"]}
    assert names["404"] == {"BookNotFound", "ShelfNotFound"}
    assert names["422"] == {"InvalidShelf", "ValidationFailure"}
    assert documented["404"]["description"] == "No book has this id. No shelf has this id."
    assert app.openapi()["paths"]["/book"]["get"]["responses"] == documented
