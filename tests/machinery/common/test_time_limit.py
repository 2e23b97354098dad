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

LIMITS = (0.05, 1, 10)
"""Seconds; a longer one is for a machine that is too busy to begin within a shorter one."""
JSON = {"Content-Type": "application/json"}


def limited(limit: float) -> FastAPI:
    """Return an application whose requests may take `limit` seconds, and some that take longer."""
    app = small_app()
    app.add_middleware(TimeLimitMiddleware, seconds=limit)

    @app.get("/forever")
    async def forever() -> None:
        await asyncio.Event().wait()

    @app.get("/longer", dependencies=[time_limit(300)])
    @app.get("/as-long-as-it-takes", dependencies=[time_limit(None)])
    @app.get("/health/slow")
    async def longer() -> int:
        await asyncio.sleep(2 * limit)
        return 1

    @app.get("/shorter", dependencies=[time_limit(0.01)])
    async def shorter() -> None:
        await forever()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first "
            await asyncio.sleep(2 * limit)
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


@pytest.fixture
def app() -> FastAPI:
    """An application with a short limit."""
    return limited(LIMITS[0])


async def request(app: FastAPI, method: str, path: str, **sent: Any) -> httpx2.Response:
    async with asyncio.timeout(60), client_of(app) as client:  # else what is not ended hangs
        return await client.request(method, path, **sent)


async def answer_in_time(method: str, path: str, **sent: Any) -> httpx2.Response:
    """Return the first answer that came in time; `content` is what makes the body for a limit."""
    for limit in LIMITS:
        made = {name: value(limit) if name == "content" else value for name, value in sent.items()}
        response = await request(limited(limit), method, path, **made)
        if response.status_code not in {408, 503}:
            break
    return response


@pytest.mark.parametrize("path", ["/forever", "/shorter"])
async def test_a_handler_that_takes_too_long_is_answered_503(app: FastAPI, path: str) -> None:
    response = await request(app, "GET", path)

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")
    assert response.headers["retry-after"] == "5"


@pytest.mark.parametrize("path", ["/longer", "/as-long-as-it-takes", "/health/slow"])
async def test_a_route_may_have_another_limit_and_health_has_its_own(path: str) -> None:
    assert (await answer_in_time("GET", path)).json()["data"] == 1


async def test_an_answer_that_has_begun_is_not_cut() -> None:
    assert (await answer_in_time("GET", "/stream")).content == b"first last"


async def test_a_body_that_does_not_come_is_answered_408_and_the_connection_ends(
    app: FastAPI,
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    response = await request(app, "POST", "/body", content=body(), headers=JSON)

    assert (response.status_code, response.json()["error"]) == (408, "request_too_slow")
    assert response.headers["connection"] == "close"


async def test_a_body_may_take_its_time_while_enough_of_it_comes() -> None:
    async def body(limit: float) -> AsyncIterator[bytes]:
        yield b"[" + b" " * round(10 * limit * MINIMUM_RATE)
        await asyncio.sleep(2 * limit)
        yield b"1]"

    response = await answer_in_time("POST", "/body", content=body, headers=JSON)

    assert response.json()["data"] == 1


async def test_the_time_for_the_work_begins_when_the_body_is_complete(app: FastAPI) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"[" + b" " * 60 * MINIMUM_RATE
        yield b"1]"

    response = await request(app, "POST", "/body-and-work", content=body(), headers=JSON)

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")


async def test_a_handler_whose_own_time_was_up_has_failed() -> None:
    assert (await answer_in_time("GET", "/own")).status_code == 500
