"""Bodies over the limit: refused like everything else, and not read."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request

from app.core.config import Settings
from app.core.errors import PayloadTooLarge
from app.main import create_app
from tests.asgi import client_of

REFUSED = {
    "code": 413,
    "message": PayloadTooLarge.default_message,
    "data": None,
    "error": "payload_too_large",
}
JSON = {"Content-Type": "application/json"}


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


async def pieces(count: int) -> AsyncIterator[bytes]:
    """Yield a JSON list of `count` numbers, which has 2 * `count` + 1 bytes."""
    yield b"[" + b"1," * (count - 1)
    yield b"1]"


@pytest.mark.parametrize("says_its_length", [True, False])
@pytest.mark.parametrize(("path", "count"), [("/small", 500), ("/large", 1000), ("/streamed", 500)])
async def test_a_body_over_the_limit_is_refused_with_the_envelope(
    limited: FastAPI,
    path: str,
    count: int,
    says_its_length: bool,
) -> None:
    body = pieces(count)
    content = b"".join([piece async for piece in body]) if says_its_length else body

    async with client_of(limited) as client:
        headers = {**JSON, "X-Request-ID": "mine"}
        response = await client.post(path, content=content, headers=headers)

    assert (response.status_code, response.json()) == (413, REFUSED)
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["x-request-id"] == "mine"


@pytest.mark.parametrize(("path", "count"), [("/small", 499), ("/large", 999), ("/streamed", 499)])
async def test_a_body_within_the_limit_of_its_route_is_taken(
    limited: FastAPI,
    path: str,
    count: int,
) -> None:
    async with client_of(limited) as client:
        response = await client.post(path, content=pieces(count), headers=JSON)

    assert response.status_code == 200
