"""Runs the API's server."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.resource import StartupError

APPLICATION = "app.main:create_app"

SHUTDOWN_LIMIT = 8
"""Seconds that requests may take to end after SIGTERM; container engines kill after 10."""

LAST_REQUEST_TIME: float = 1
"""Seconds after SIGTERM in which a request may still come by a connection that is open."""

HEAD_LIMIT = 20
"""Seconds in which the first line and the headers of a request must have come."""


class DrainingProtocol(HttpToolsProtocol):
    """A connection that is not closed under a request which is on its way, unless it never comes.

    uvicorn closes each connection at once on which it has nothing to answer. Who sends the next
    request by it at that moment is cut off and cannot know whether that was served. Here it is
    served, and the answer says that the connection ends.
    """

    _is_ending = False
    _head_timer: asyncio.TimerHandle | None = None

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
        super().data_received(data)
        is_websocket = self.transport.get_protocol() is not self
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

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            self.cycle.keep_alive = False


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


def run_server(host: str, port: int, *, workers: int = 1, reload: bool = False) -> None:
    """Serve the API until SIGTERM or Ctrl-C; uses uvloop where it is installed.

    Raises:
        StartupError: another program listens there, or the address is not this machine's.
    """
    _require_free(host, port)
    logging.getLogger("watchfiles").setLevel("WARNING")  # uvicorn says the same in better words
    options: dict[str, Any] = {
        "factory": True,
        "http": DrainingProtocol,
        "host": host,
        "port": port,
        "log_config": None,  # app/common/logging_config.py decides how lines look
        "timeout_graceful_shutdown": SHUTDOWN_LIMIT,
    }
    if reload:
        options |= {"reload": True, "reload_dirs": [str(Path(__file__).parent)]}
    if reload or workers > 1:  # then another process goes on listening
        uvicorn.run(APPLICATION, workers=workers, **options)
    else:
        with suppress(KeyboardInterrupt):
            DrainingServer(uvicorn.Config(APPLICATION, **options)).run()


def _require_free(host: str, port: int) -> None:
    """Find out before the application starts what uvicorn would only say after it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host,
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # elsewhere the option would let two programs share the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StartupError(
            f"The API cannot listen on {host}:{port}: {error.strerror}. "
            "Stop the program that uses the port, or choose another with --port or API_PORT.",
        ) from error
