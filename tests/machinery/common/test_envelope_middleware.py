"""Which answers are put into the envelope, and which are left as they are."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from fastapi.sse import EventSourceResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.requests import Request

from app.common.response_envelope import ResponseEnvelope
from tests.asgi import client_of, small_app
from tests.machinery.asgi import Message, get


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


def enveloped(data: object, code: int = 200) -> dict[str, object]:
    return {"code": code, "message": "success", "data": data, "error": None}


@pytest.fixture
def app() -> FastAPI:
    return small_app()


async def test_routes_of_routers_within_routers_are_wrapped_once(app: FastAPI) -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")

    @inner.get("/book")
    async def book() -> Book:
        return Book()

    outer.include_router(inner)
    app.include_router(outer, prefix="/api")

    async with client_of(app) as client:
        response = await client.get("/api/outer/inner/book")

    assert response.json() == enveloped({"title": "Dune"})


async def test_data_that_looks_like_an_envelope_is_data(app: FastAPI) -> None:
    @app.get("/looks")
    async def looks() -> dict[str, object]:
        return enveloped(1)

    async with client_of(app) as client:
        response = await client.get("/looks")

    assert response.json() == enveloped(enveloped(1))


class Shelved(ResponseEnvelope[Book]):
    """An envelope with one member more."""

    shelf: int = 1


READY = ResponseEnvelope[Book](data=Book())


@pytest.mark.parametrize(
    ("handler", "shelf"),
    [
        pytest.param(lambda: ResponseEnvelope(data=Book()), {}, id="returned"),
        pytest.param(lambda: Shelved(data=Book()), {"shelf": 1}, id="subclass"),
        pytest.param(
            lambda: JSONResponse(ResponseEnvelope(data=Book()).model_dump()), {}, id="response"
        ),
        pytest.param(
            lambda: Response(
                ResponseEnvelope(data=Book()).model_dump_json(indent=2),
                media_type="application/json",
            ),
            {},
            id="indented",
        ),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_an_envelope_of_the_handler_is_sent_as_it_is(
    app: FastAPI,
    handler: Callable[[], Any],
    shelf: dict[str, int],
    is_async: bool,
) -> None:
    if is_async:

        @app.get("/book")
        async def book() -> Any:
            return handler()

    else:
        app.add_api_route("/book", handler)

    async with client_of(app) as client:
        response = await client.get("/book")

    assert response.json() == enveloped({"title": "Dune"}) | shelf


@pytest.mark.parametrize(
    "model",
    [ResponseEnvelope[Book], ResponseEnvelope, Shelved, ResponseEnvelope[Book] | Book],
)
async def test_a_declared_envelope_is_not_wrapped_again(app: FastAPI, model: Any) -> None:
    @app.get("/book", response_model=model)
    async def book() -> object:
        return (Shelved if model is Shelved else ResponseEnvelope[Book])(data=Book())

    @app.get("/ready", response_model=ResponseEnvelope[Book])
    async def ready() -> object:
        return READY

    async with client_of(app) as client:
        bodies = [(await client.get(path)).json() for path in ("/book", "/ready")]

    for body in bodies:
        assert body.items() >= enveloped({"title": "Dune"}).items()


async def test_an_envelope_within_the_data_or_beside_it_is_no_envelope(app: FastAPI) -> None:
    @app.get("/within")
    async def within() -> dict[str, ResponseEnvelope[int]]:
        return {"job": ResponseEnvelope(data=1)}

    @app.get("/beside")
    async def beside() -> Book:
        ResponseEnvelope(data=1)
        return Book()

    async with client_of(app) as client:
        bodies = [(await client.get(path)).json() for path in ("/within", "/beside")]

    assert bodies == [enveloped({"job": enveloped(1)}), enveloped({"title": "Dune"})]


def test_an_envelope_has_defaults_and_an_example() -> None:
    assert ResponseEnvelope().model_dump() == enveloped(None)
    example = {"code": 200, "message": "success", "data": {"id": 1, "name": "example"}}
    assert ResponseEnvelope.model_json_schema()["example"] == example | {"error": None}
    assert "example" not in ResponseEnvelope[Book].model_json_schema()  # it has books


async def test_what_is_no_json_of_an_api_route_is_left_as_it_is(
    app: FastAPI,
    tmp_path: Path,
) -> None:
    file = tmp_path / "small.json"
    file.write_text("[1]")

    @app.get("/html")
    async def html() -> HTMLResponse:
        return HTMLResponse("<p>")

    @app.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("text")

    @app.get("/problem")
    async def problem() -> JSONResponse:
        return JSONResponse([1], media_type="application/problem+json")

    @app.get("/download")
    async def download() -> FileResponse:
        return FileResponse(file, filename="small.json")

    @app.get("/file")
    async def bare_file() -> FileResponse:
        return FileResponse(file)

    @app.get("/encoded")
    async def encoded() -> Response:
        headers = {"Content-Encoding": "br", "Content-Type": "application/json"}
        return Response(b"xyz", headers=headers)

    async def not_of_the_api(_: Request) -> JSONResponse:
        return JSONResponse([1])

    app.add_route("/plain", not_of_the_api)
    app.mount("/static", StaticFiles(directory=tmp_path))

    async with client_of(app) as client:
        bodies = {
            path: (await client.get(path, headers={"Accept-Encoding": "identity"})).content
            for path in ("/html", "/text", "/problem", "/download", "/file", "/plain")
        }
        bodies["/static"] = (await client.get("/static/small.json")).content
    encoded_body = b""

    async def send(message: Message) -> None:
        nonlocal encoded_body
        encoded_body += message.get("body", b"")

    await get(app, "/encoded", send)

    assert bodies.pop("/html") == b"<p>"
    assert bodies.pop("/text") == b"text"
    assert set(bodies.values()) == {b"[1]"}
    assert encoded_body == b"xyz"


async def test_answers_without_a_body_stay_without_one(app: FastAPI) -> None:
    @app.get("/empty", status_code=204)
    async def empty() -> None: ...

    @app.get("/unchanged")
    async def unchanged() -> Response:
        return Response(status_code=304, headers={"ETag": '"1"'})

    @app.get("/elsewhere")
    async def elsewhere() -> RedirectResponse:
        return RedirectResponse("/empty")

    @app.head("/head")
    async def head() -> JSONResponse:
        return JSONResponse([1, 2])

    @app.get("/nothing")
    async def nothing() -> Response:
        return Response(media_type="application/json")

    async with client_of(app) as client:
        responses = {
            path: await client.get(path)
            for path in ("/empty", "/unchanged", "/elsewhere", "/nothing")
        }
        responses["/head"] = await client.head("/head")

    assert {path: response.status_code for path, response in responses.items()} == {
        "/empty": 204,
        "/unchanged": 304,
        "/elsewhere": 307,
        "/nothing": 200,
        "/head": 200,
    }
    assert {response.content for response in responses.values()} == {b""}


async def test_a_stream_passes_piece_by_piece_without_waiting_for_its_end(app: FastAPI) -> None:
    first_arrived = asyncio.Event()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"[1,"
            await first_arrived.wait()
            yield b"2]"

        return StreamingResponse(pieces(), media_type="application/json")

    body = b""

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")
        if body:
            first_arrived.set()

    async with asyncio.timeout(5):
        await get(app, "/stream", send)

    assert body == b"[1,2]"


async def test_server_sent_events_are_left_as_they_are(app: FastAPI) -> None:
    @app.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[Book]:
        yield Book()

    async with client_of(app) as client:
        response = await client.get("/events")

    assert json.loads(response.text.removeprefix("data: ")) == {"title": "Dune"}


async def test_a_mounted_application_answers_as_it_likes(app: FastAPI) -> None:
    mounted = FastAPI()

    @mounted.get("/book")
    async def book() -> Book:
        return Book()

    app.mount("/mounted", mounted)

    async with client_of(app) as client:
        response = await client.get("/mounted/book")

    assert response.json() == {"title": "Dune"}
