"""What an operator reads when the service cannot start."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware import Middleware

from app.common.startup_middleware import StartupErrorMiddleware
from app.core.resource import StartupError


async def start(error: Exception | None) -> list[MutableMapping[str, Any]]:
    """Return what an application whose lifespan fails with `error` tells the server."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if error is not None:
            raise error
        yield

    app = FastAPI(lifespan=lifespan, middleware=[Middleware(StartupErrorMiddleware)])
    incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(incoming)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    try:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    except RuntimeError:
        sent.append({"type": "raised"})
    return sent


async def test_a_server_that_does_not_answer_ends_the_start_with_one_sentence() -> None:
    assert await start(StartupError("The store does not answer.")) == [
        {"type": "lifespan.startup.failed", "message": "The store does not answer."},
    ]


async def test_a_fault_of_the_program_keeps_its_trace() -> None:
    failed, raised = await start(RuntimeError("a fault"))

    assert "Traceback" in failed["message"]
    assert raised == {"type": "raised"}


async def test_a_start_that_works_is_none_of_its_business() -> None:
    kinds = [message["type"] for message in await start(None)]

    assert kinds == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
