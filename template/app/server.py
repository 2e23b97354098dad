"""Runs the API's server."""

import logging
import os
import socket
from pathlib import Path

import uvicorn

from app.core.resource import StartupError

SHUTDOWN_LIMIT = 8
"""Seconds that requests may take to end after SIGTERM; container engines kill after 10."""


def run_server(host: str, port: int, *, workers: int = 1, reload: bool = False) -> None:
    """Serve the API until SIGTERM or Ctrl-C; uses uvloop where it is installed.

    Raises:
        StartupError: another program listens there, or the address is not this machine's.
    """
    _require_free(host, port)
    logging.getLogger("watchfiles").setLevel("WARNING")  # uvicorn says the same in better words
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        log_config=None,  # app/common/logging_config.py decides how lines look
        timeout_graceful_shutdown=SHUTDOWN_LIMIT,
    )


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
