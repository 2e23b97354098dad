"""uvicorn's server with a limit for heads of requests, and without cut connections at its end.

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
"""Seconds after SIGTERM in which a request may still come by a connection that is open."""

HEAD_LIMIT = 20
"""Seconds in which the first line and the headers of a request must have come."""

MAX_HEAD_SIZE: Final = 65_536
"""Bytes that the first line and the headers of a request may have; its trailers as well."""

_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n"
    b"\r\n"
)


class _HeadTooLarge(Exception):
    """The head of a request is over the limit."""


class DrainingProtocol(HttpToolsProtocol):
    """A connection with limits for the heads of requests, which ends without cutting one off.

    uvicorn closes each connection at once on which it has nothing to answer. Who sends the next
    request by it at that moment is cut off and cannot know whether that was served. Here it is
    served, and the answer says that the connection ends.

    httptools keeps a head of any size. Here it may have `MAX_HEAD_SIZE` bytes.
    """

    _is_ending = False
    _head_timer: asyncio.TimerHandle | None = None
    _is_in_body = False
    _head_size = 0  # bytes of the fields that the parser has reported
    _unreported = 0  # bytes received since the parser last reported anything

    # The type is uvicorn's, which is narrower than that of asyncio.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_LIMIT, transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what has come; the next head must not come for ever.

        Any byte ends uvicorn's limit for a connection that rests: also one of a body that was
        answered unread, or a blank line, after which uvicorn would wait without a limit.
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
        """Forget the connection."""
        super().connection_lost(exc)
        if self._head_timer is not None:
            self._head_timer.cancel()

    def shutdown(self) -> None:
        """Begin to end: after the request that is being answered, or the next if it comes soon."""
        self._is_ending = True
        if self._is_answering:
            super().shutdown()
        else:
            self.loop.call_later(LAST_REQUEST_TIME, super().shutdown)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        self._is_in_body = False
        self._head_size = self._unreported = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the first line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer is dropped, which uvicorn would add to the headers."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if not self._is_in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        self._is_in_body = True
        self._head_size = self._unreported = 0
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unreported = 0
        super().on_body(body)

    def _count(self, size: int) -> None:
        self._unreported = 0
        self._head_size += size
        if self._head_size > MAX_HEAD_SIZE:
            raise _HeadTooLarge  # this ends the parser, and uvicorn calls `send_400_response`

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, or a head over the limit."""
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
    """Let a uvicorn that was started by its own command use `DrainingProtocol` for httptools.

    It has chosen the class of its connections before it imports the application. Its other one,
    for h11, has a limit of its own.
    """

    def new(cls: type[HttpToolsProtocol], *_: object, **__: object) -> HttpToolsProtocol:
        return object.__new__(DrainingProtocol if cls is HttpToolsProtocol else cls)

    HttpToolsProtocol.__new__ = new  # type: ignore[method-assign, assignment]


class DrainingServer(uvicorn.Server):
    """A server that, when it ends, answers also those who have just connected.

    The system keeps them until they are accepted, and cuts them off when nobody listens any more.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in who waits, then listen no more, finish what there is, and end."""
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
