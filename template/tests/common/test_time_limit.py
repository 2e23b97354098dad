"""Requests that take too long."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from app.common.time_limit import MINIMUM_RATE, TimeLimitMiddleware, time_limit
from tests.asgi import client_of, small_app

LIMIT = 0.2
LONGER = 0.5
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def app() -> FastAPI:
    """An application whose requests may take `LIMIT` seconds."""
    app = small_app()
    app.add_middleware(TimeLimitMiddleware, seconds=LIMIT)

    @app.get("/forever")
    async def forever() -> None:
        await asyncio.Event().wait()

    @app.get("/longer", dependencies=[time_limit(30)])
    @app.get("/as-long-as-it-takes", dependencies=[time_limit(None)])
    async def longer() -> int:
        await asyncio.sleep(LONGER)
        return 1

    @app.get("/shorter", dependencies=[time_limit(0.01)])
    async def shorter() -> None:
        await forever()

    @app.get("/health/slow")
    async def slow_health() -> int:
        return await longer()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first "
            await asyncio.sleep(LONGER)
            yield b"last"

        return StreamingResponse(pieces())

    @app.post("/body")
    async def body(numbers: list[int]) -> int:
        return len(numbers)

    @app.post("/body-and-work")
    async def body_and_work(numbers: list[int]) -> None:
        await forever()

    @app.get("/own")
    async def own() -> None:
        raise TimeoutError

    return app


async def request(app: FastAPI, method: str, path: str, **sent: Any) -> httpx2.Response:
    async with client_of(app) as client:
        return await client.request(method, path, **sent)


@pytest.mark.parametrize("path", ["/forever", "/shorter"])
async def test_a_handler_that_takes_too_long_is_answered_503(app: FastAPI, path: str) -> None:
    response = await request(app, "GET", path)

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")
    assert response.headers["retry-after"] == "5"


@pytest.mark.parametrize("path", ["/longer", "/as-long-as-it-takes", "/health/slow"])
async def test_a_route_may_have_another_limit_and_health_has_its_own(
    app: FastAPI,
    path: str,
) -> None:
    assert (await request(app, "GET", path)).json()["data"] == 1


async def test_an_answer_that_has_begun_is_not_cut(app: FastAPI) -> None:
    assert (await request(app, "GET", "/stream")).content == b"first last"


async def test_a_body_that_does_not_come_is_answered_408_and_the_connection_ends(
    app: FastAPI,
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    response = await request(app, "POST", "/body", content=body(), headers=JSON)

    assert (response.status_code, response.json()["error"]) == (408, "request_too_slow")
    assert response.headers["connection"] == "close"


async def test_a_body_may_take_its_time_while_enough_of_it_comes(app: FastAPI) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"[" + b" " * MINIMUM_RATE
        await asyncio.sleep(LONGER)
        yield b"1]"

    response = await request(app, "POST", "/body", content=body(), headers=JSON)

    assert response.json()["data"] == 1


async def test_the_time_for_the_work_begins_when_the_body_is_complete(app: FastAPI) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"[" + b" " * 60 * MINIMUM_RATE
        yield b"1]"

    async with asyncio.timeout(30):
        response = await request(app, "POST", "/body-and-work", content=body(), headers=JSON)

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")


async def test_a_handler_whose_own_time_was_up_has_failed(app: FastAPI) -> None:
    assert (await request(app, "GET", "/own")).status_code == 500
