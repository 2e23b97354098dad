"""Connections: requests that come slowly, are too large, or come when the server ends."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import FunctionType

import pytest
import uvicorn
from fastapi import Request
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app import http_server
from app.http_server import DrainingProtocol, DrainingServer, limit_connections_of_uvicorn
from tests.asgi import small_app

LIMITS = (0.1, 1, 10)
"""Seconds; a longer one is for a machine that is too busy to read within a shorter one."""

HEAD = b"GET /longer HTTP/1.1\r\nHost: test\r\n"


@asynccontextmanager
async def listening(
    limit: float,
    protocol: type[asyncio.Protocol] = DrainingProtocol,
) -> AsyncIterator[tuple[str, int]]:
    """Yield where a server listens on which a head may take `limit` seconds, and work longer."""
    app = small_app()

    @app.post("/trailer")
    async def trailer(request: Request) -> str | None:
        await request.body()
        return request.headers.get("x-trailer")

    @app.get("/longer")
    async def longer() -> int:
        await asyncio.sleep(2 * limit)
        return 1

    config = uvicorn.Config(
        app,
        http=protocol,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=1,
    )
    config.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_server, "HEAD_LIMIT", limit)
        opened = await asyncio.get_running_loop().create_server(
            lambda: protocol(config, uvicorn.server.ServerState(), {}),  # type: ignore[call-arg]
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


CHUNKED = b"POST /trailer HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
ENOUGH = 1_000_000
"""Bytes of a head after which its connection must have been closed for long."""


async def answer_to_a_flood(address: tuple[str, int], beginning: bytes, repeated: bytes) -> bytes:
    """Send `beginning`, then `repeated` until the server ends the connection."""
    reader, writer = await asyncio.open_connection(*address)
    answer = asyncio.create_task(reader.read())
    writer.write(beginning)
    sent = 0
    while not answer.done():
        assert sent < ENOUGH
        with suppress(ConnectionError):
            writer.write(repeated)
            await writer.drain()
        sent += len(repeated)
        await asyncio.sleep(0)
    writer.close()
    return b"" if isinstance(answer.exception(), ConnectionError) else answer.result()


@pytest.mark.parametrize("protocol", [DrainingProtocol, HttpToolsProtocol, H11Protocol])
@pytest.mark.parametrize(
    ("beginning", "repeated"),
    [
        pytest.param(b"GET /", b"a" * 1000, id="the first line"),
        pytest.param(HEAD, b"a: b\r\n" * 100, id="many headers"),
        pytest.param(HEAD + b"a: ", b"b" * 1000, id="one header"),
        pytest.param(
            HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\n",
            b"a: b\r\n" * 100,
            id="an upgrade",
        ),
        pytest.param(CHUNKED + b"1\r\na\r\n0\r\n", b"a: b\r\n" * 100, id="trailers"),
        pytest.param(CHUNKED + b"1;", b"a" * 1000, id="a chunk's extension"),
        pytest.param(b"", b"\r\n" * 500, id="blank lines"),
    ],
)
async def test_a_head_over_the_limit_ends_its_connection(
    protocol: type[asyncio.Protocol],
    beginning: bytes,
    repeated: bytes,
) -> None:
    """Whichever class uvicorn uses: `uvicorn main:app` chooses one of its own."""
    limit_connections_of_uvicorn()
    async with listening(60, protocol) as address:
        answer = await answer_to_a_flood(address, beginning, repeated)

    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")) or answer == b""


async def test_a_head_below_the_limit_is_served_and_one_above_gets_431() -> None:
    rest = b"\r\nConnection: close\r\n\r\n"
    for size, status in ((60_000, b"404"), (70_000, b"431")):
        async with listening(60) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.1\r\nHost: test\r\na: " + bytes([98]) * size + rest)

            assert (await all_of_it(reader)).startswith(b"HTTP/1.1 " + status)
            writer.close()


async def test_a_trailer_is_no_header() -> None:
    async with listening(60) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(CHUNKED + b"1\r\na\r\n0\r\nX-Trailer: 1\r\n\r\n")

        async with asyncio.timeout(30):
            assert b'"data":null' in await reader.readuntil(b'"error":null}')
        writer.close()


async def test_who_has_just_connected_when_the_api_ends_is_answered() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app, port=0, http=DrainingProtocol, lifespan="off", log_config=None)
    config.load()
    server = DrainingServer(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    address = server.servers[0].sockets[0].getsockname()
    with socket.create_connection(address) as caller:  # at once: the server cannot accept meanwhile
        caller.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        await server.shutdown()
        answer = caller.recv(1000)
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"connection: close" in answer


PRIVATE = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "on_message_begin": ["self"],
    "on_url": ["self", "url"],
    "on_header": ["self", "name", "value"],
    "on_headers_complete": ["self"],
    "on_body": ["self", "body"],
    "send_400_response": ["self", "msg"],
    "shutdown": ["self"],
}


@pytest.mark.parametrize("name", PRIVATE)
def test_uvicorn_has_the_method_that_a_connection_replaces(name: str) -> None:
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters) == PRIVATE[name]


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (HttpToolsProtocol.__init__, ["loop", "transport", "cycle"]),
        (RequestResponseCycle.__init__, ["keep_alive", "response_complete"]),
        (uvicorn.Server.__init__, ["config", "server_state"]),
        (uvicorn.Server.startup, ["servers", "lifespan"]),
        (uvicorn.Server.shutdown, ["sockets", "servers"]),
    ],
)
def test_uvicorn_still_uses_the_names_that_this_service_uses(
    owner: FunctionType,
    names: list[str],
) -> None:
    code = owner.__code__

    assert set(names) <= {*code.co_names, *code.co_varnames}
