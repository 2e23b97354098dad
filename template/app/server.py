"""Run the API's server."""

import logging
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from app.core.resource import StartupError
from app.http_server import DrainingProtocol, DrainingServer

APPLICATION = "app.main:create_app"

SHUTDOWN_LIMIT = 8
"""Seconds to finish requests after SIGTERM; container engines kill after 10."""


def run_server(
    host: str,
    port: int,
    *,
    proxies: Sequence[str] = (),
    workers: int = 1,
    reload: bool = False,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C; uses uvloop if it is installed.

    Args:
        host: the address to listen on.
        port: the port to listen on.
        proxies: addresses of trusted proxies, whose X-Forwarded-Proto and X-Forwarded-For are used.
        workers: number of processes that serve requests.
        reload: whether to restart when the code changes.

    Raises:
        StartupError: the port is in use, or the address is not this machine's.
    """
    _require_free(host, port)
    logging.getLogger("watchfiles").setLevel("WARNING")  # uvicorn logs the same more clearly
    options: dict[str, Any] = {
        "factory": True,
        "http": DrainingProtocol,
        "host": host,
        "port": port,
        "forwarded_allow_ips": list(proxies),
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
    """Check the port before the application starts: uvicorn would report it only afterwards."""
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
