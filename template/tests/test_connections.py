"""Connections on which requests come slowly, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from app import server
from app.server import DrainingProtocol
from tests.asgi import small_app

LIMITS = (0.1, 1, 10)
"""Seconds; a longer one is for a machine that is too busy to read within a shorter one."""

HEAD = b"GET /longer HTTP/1.1\r\nHost: test\r\n"


@asynccontextmanager
async def listening(limit: float) -> AsyncIterator[tuple[str, int]]:
    """Yield where a server listens on which a head may take `limit` seconds, and work longer."""
    app = small_app()

    @app.get("/longer")
    async def longer() -> int:
        await asyncio.sleep(2 * limit)
        return 1

    config = uvicorn.Config(
        app,
        http=DrainingProtocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=1,
    )
    config.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "HEAD_LIMIT", limit)
        opened = await asyncio.get_running_loop().create_server(
            lambda: DrainingProtocol(config, uvicorn.server.ServerState(), {}),
            "127.0.0.1",
        )
        async with opened:
            yield opened.sockets[0].getsockname()


async def all_of_it(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the server ends the connection."""
    async with asyncio.timeout(30):
        return await reader.read()


@pytest.mark.parametrize("sent", [b"", HEAD])
async def test_a_head_that_does_not_come_ends_its_connection(sent: bytes) -> None:
    async with listening(LIMITS[0]) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)

        assert await all_of_it(reader) == b""
        writer.close()


@pytest.mark.parametrize(
    ("fields", "early", "late"),
    [
        pytest.param(b"", b"", HEAD, id="the next begins after the answer"),
        pytest.param(b"", HEAD, b"", id="the next begins before the answer"),
        pytest.param(b"", b"", b"\r\n", id="a blank line after the answer"),
        pytest.param(b"Content-Length: 3\r\n", b"1", b"2", id="a body that nobody reads"),
    ],
)
async def test_a_request_is_answered_however_long_it_takes_and_the_next_must_come_as_well(
    fields: bytes,
    early: bytes,
    late: bytes,
) -> None:
    """Something more comes while it is answered (`early`), or after that (`late`)."""
    for limit in LIMITS:
        async with listening(limit) as address:
            reader, writer = await asyncio.open_connection(*address)
            for piece in (HEAD, fields + b"\r\n", early):
                writer.write(piece)
                await writer.drain()
            with suppress(asyncio.IncompleteReadError):  # which is tried with more time
                async with asyncio.timeout(30):
                    answer = await reader.readuntil(b'"error":null}')
                writer.write(late)
                rest = await all_of_it(reader)
                break
            writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert rest == b""
    writer.close()
