"""Bodies over the limit: refused like everything else, and not read."""

import pytest
from fastapi import FastAPI, Request

from app.core.config import Settings
from app.core.errors import PayloadTooLarge
from app.main import create_app
from tests.asgi import client_of
from tests.machinery.asgi import Message

REFUSED = {
    "code": 413,
    "message": PayloadTooLarge.default_message,
    "data": None,
    "error": "payload_too_large",
}


@pytest.fixture(scope="module")
def limited(settings: Settings) -> FastAPI:
    """An application that takes 1,000 bytes, and 2,000 at one of its routes."""
    app = create_app(settings.model_copy(update={"MAX_BODY_SIZE": 1000}))

    @app.post("/small")
    async def small(body: list[int]) -> int:
        return len(body)

    @app.post("/large", max_body_size=2000)
    async def large(body: list[int]) -> int:
        return len(body)

    @app.get("/unread")
    async def unread() -> int:
        return 1

    @app.post("/streamed")
    async def streamed(request: Request) -> int:
        return sum([len(piece) async for piece in request.stream()])

    return app


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/small", (413, b'"error":"payload_too_large"')),
        ("GET", "/unread", (200, b'"data":1')),
        ("POST", "/nowhere", (404, b'"error":"not_found"')),
    ],
)
async def test_a_body_that_says_that_it_is_too_large_is_not_read(
    limited: FastAPI,
    method: str,
    path: str,
    answer: tuple[int, bytes],
) -> None:
    sent: list[Message] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-length", b"1001"), (b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        raise AssertionError("the body is read")

    async def send(message: Message) -> None:
        sent.append(message)

    await limited(scope, receive, send)

    start, body = sent
    assert start["status"] == answer[0]
    assert answer[1] in body["body"]


def test_the_refusal_is_documented_where_there_is_a_body(limited: FastAPI) -> None:
    paths = limited.openapi()["paths"]

    example = paths["/small"]["post"]["responses"]["413"]["content"]["application/json"]["examples"]
    assert example["payload_too_large"]["value"] == REFUSED
    assert "413" not in paths["/unread"]["get"]["responses"]


async def test_an_origin_that_is_named_may_read_why_its_body_was_refused(
    settings: Settings,
) -> None:
    ours = "https://ours.test"
    app = create_app(settings.model_copy(update={"MAX_BODY_SIZE": 1, "CORS_ORIGINS": [ours]}))

    @app.post("/mine")
    async def mine(body: list[int]) -> int:
        return len(body)

    async with client_of(app) as client:
        response = await client.post("/mine", json=[1], headers={"Origin": ours})

    assert (response.status_code, response.json()) == (413, REFUSED)
    assert response.headers["access-control-allow-origin"] == ours
