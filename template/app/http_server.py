"""uvicorn with a limit for request heads, and with graceful draining of connections at shutdown.

Only this module uses private parts of uvicorn, whose version pyproject.toml bounds.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LAST_REQUEST_TIME: float = 1
"""Seconds after SIGTERM in which an open connection may still send a request."""

HEAD_LIMIT = 20
"""Timeout of a request head (request line and headers), in seconds."""

MAX_HEAD_SIZE: Final = 65_536
"""Maximum bytes of a request head (request line and headers), and of its trailers."""

_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n"
    b"\r\n"
)


class _HeadTooLarge(Exception):
    """The head of a request is over the limit."""


class DrainingProtocol(HttpToolsProtocol):
    """A connection with a limit for request heads and a graceful shutdown.

    At shutdown uvicorn closes idle connections at once. A client that sends a request at that
    moment gets a reset, and cannot know whether the request was served. This class serves it, and
    closes the connection with the response.

    httptools buffers a head of any size. Here `MAX_HEAD_SIZE` is the limit.
    """

    _is_ending = False
    _head_timer: asyncio.TimerHandle | None = None
    _is_in_body = False
    _head_size = 0  # bytes of the fields that the parser has reported
    _unreported = 0  # bytes received since the parser last reported anything

    # The type is uvicorn's, which is narrower than that of asyncio.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout of the first request head."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_LIMIT, transport.close)

    def data_received(self, data: bytes) -> None:
        """Parse received data, and restart the timeout of the next request head.

        Any byte stops uvicorn's keep-alive timeout, also one of an unread body or a blank line.
        uvicorn would wait without a limit after it.
        """
        self._unreported += len(data)
        super().data_received(data)
        is_websocket = self.transport.get_protocol() is not self
        if self._unreported > MAX_HEAD_SIZE and not is_websocket:
            self._refuse_head()
        if self._is_answering or is_websocket:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_LIMIT, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        super().connection_lost(exc)
        if self._head_timer is not None:
            self._head_timer.cancel()

    def shutdown(self) -> None:
        """Close after the current request, or after the next one if it arrives soon."""
        self._is_ending = True
        if self._is_answering:
            super().shutdown()
        else:
            self.loop.call_later(LAST_REQUEST_TIME, super().shutdown)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """Count a new head."""
        self._is_in_body = False
        self._head_size = self._unreported = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header. Drop a trailer: uvicorn would add it to the headers."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if not self._is_in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._is_in_body = True
        self._head_size = self._unreported = 0
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._unreported = 0
        super().on_body(body)

    def _count(self, size: int) -> None:
        self._unreported = 0
        self._head_size += size
        if self._head_size > MAX_HEAD_SIZE:
            raise _HeadTooLarge  # this ends the parser, and uvicorn calls `send_400_response`

    def send_400_response(self, msg: str) -> None:
        """Reject invalid HTTP, or a head over the limit."""
        if self._head_size > MAX_HEAD_SIZE:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            if not self._is_answering:
                self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()


def limit_connections_of_uvicorn() -> None:
    """Make uvicorn's own command use `DrainingProtocol` in place of its httptools class.

    It chooses the class before it imports the application. Its class for h11 has its own limit.
    """

    def new(cls: type[HttpToolsProtocol], *_: object, **__: object) -> HttpToolsProtocol:
        return object.__new__(DrainingProtocol if cls is HttpToolsProtocol else cls)

    HttpToolsProtocol.__new__ = new  # type: ignore[method-assign, assignment]


class DrainingServer(uvicorn.Server):
    """A server that serves connections from the listen backlog before it shuts down.

    The operating system resets connections in the backlog when the socket is closed.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the backlog, close the sockets, and finish all connections."""
        waiting = [each for server in self.servers for each in _accept_all(server)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> DrainingProtocol:
        return DrainingProtocol(self.config, self.server_state, self.lifespan.state)


def _accept_all(server: asyncio.Server) -> Iterator[socket.socket]:
    if os.name != "posix":
        return
    for listener in server.sockets:
        with socket.socket(fileno=os.dup(listener.fileno())) as same:
            same.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    connection, _ = same.accept()
                    connection.setblocking(False)
                    yield connection
