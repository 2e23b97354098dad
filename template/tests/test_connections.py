"""Connections on which requests come slowly, or not at all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI

from app import server
from app.server import DrainingProtocol
from tests.asgi import small_app

LIMIT = 0.3
HEAD = b"GET /longer HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture
def app() -> FastAPI:
    """An application that works for longer than a head may take."""
    app = small_app()

    @app.get("/longer")
    async def longer() -> int:
        await asyncio.sleep(2 * LIMIT)
        return 1

    return app


@pytest.fixture
async def address(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int]]:
    """Where a server listens on which a head may take `LIMIT` seconds."""
    monkeypatch.setattr(server, "HEAD_LIMIT", LIMIT)
    config = uvicorn.Config(app, http=DrainingProtocol, lifespan="off", log_config=None)
    config.load()
    listening = await asyncio.get_running_loop().create_server(
        lambda: DrainingProtocol(config, uvicorn.server.ServerState(), {}),
        "127.0.0.1",
    )
    async with listening:
        yield listening.sockets[0].getsockname()


async def all_of_it(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the server ends the connection."""
    async with asyncio.timeout(30):
        return await reader.read()


@pytest.mark.parametrize("sent", [b"", HEAD])
async def test_a_head_that_does_not_come_ends_its_connection(
    address: tuple[str, int],
    sent: bytes,
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)

    assert await all_of_it(reader) == b""
    writer.close()


async def test_a_request_is_answered_however_long_it_takes_and_the_next_must_come_as_well(
    address: tuple[str, int],
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    for piece in (HEAD, b"\r\n"):
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.readuntil(b'"error":null}')
    assert answer.startswith(b"HTTP/1.1 200 ")

    writer.write(HEAD)

    assert await all_of_it(reader) == b""
    writer.close()
