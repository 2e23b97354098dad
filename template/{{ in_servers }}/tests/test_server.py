"""The API as a program that is told to end."""

import signal
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2
import uvicorn
from starlette.types import Receive, Scope, Send

from app.server import DrainingProtocol, DrainingServer
from tests.live import LiveService
from tests.polling import until


async def test_a_request_that_is_on_its_way_when_the_api_ends_is_answered(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with live_service() as service, httpx2.AsyncClient(base_url=service.url) as client:

        async def is_ending() -> bool:
            return "Shutting down" in service.api.log.read_text()

        async def has_ended() -> bool:
            return not service.api.running

        answer = await client.get("/health/live")
        assert "Connection" not in answer.headers
        service.api.send_signal(signal.SIGTERM)
        await until(is_ending)

        answer = await client.get("/health/live")
        assert answer.status_code == 200
        assert answer.headers["Connection"] == "close"
        await until(has_ended)


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
