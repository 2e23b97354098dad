"""`uv run dev`: the service and its servers on this machine, for development."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

import psutil

from devstack import watchdog
from devstack.process import DevstackError, until
from devstack.run import FOLDER, ROOT, Options, run
from devstack.stack import Stack


def main() -> None:
    """Run until Ctrl-C; on failure exit with status 1 and a sentence."""
    options = _parse()
    os.chdir(ROOT)  # the folder of the .env files
    try:
        asyncio.run(_until_signalled(run(options)))
    except Exception as error:
        said = _expected_text(error)
        if said is None:
            raise
        sys.exit(said)


def _parse() -> Options:
    parser = argparse.ArgumentParser(
        prog="uv run dev",
        description="Run the service and its servers on this machine.",
        epilog=f"The servers keep their data in {FOLDER}; delete that folder to start over.",
    )
    parser.add_argument("--host", help="the address of the API, instead of API_HOST")
    parser.add_argument("--port", type=_port, help="the port of the API, instead of API_PORT")
    servers = Stack(FOLDER).servers
    for server in servers:
        parser.add_argument(
            f"--{server.name}-port",
            type=_port,
            metavar="PORT",
            help=f"the port of {server.title}, instead of a free one",
        )
    parser.add_argument(
        "--servers-only",
        action="store_true",
        help="start and prepare the servers, without the service",
    )
    given = parser.parse_args()
    return Options(
        host=given.host,
        port=given.port,
        server_ports={server.name: getattr(given, f"{server.name}_port") for server in servers},
        servers_only=given.servers_only,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text}")
    return int(text)


def _expected_text(error: Exception) -> str | None:
    """Return the text of an expected error, or None for an error that needs a traceback."""
    if isinstance(error, DevstackError):
        return str(error)
    from app.checks.report import explained
    from app.core.errors import DomainError
    from app.core.resource import StartupError
    from app.core.settings.errors import SettingsError
    from app.project_files import SetupError

    if isinstance(error, DomainError):
        return explained(error)
    return str(error) if isinstance(error, (SettingsError, SetupError, StartupError)) else None


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until Ctrl-C, SIGTERM, or the end of `uv run`; a second Ctrl-C ends it at once."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    first: float | None = None

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
            loop.call_soon_threadsafe(task.cancel)
        elif time.monotonic() - first > 1:  # uv may forward a signal that the terminal sent too
            os._exit(1)  # the watchdog kills the other processes

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    caller = asyncio.create_task(_caller_is_gone())
    await asyncio.wait([task, caller], return_when=asyncio.FIRST_COMPLETED)
    caller.cancel()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _caller_is_gone() -> None:
    """Return when `uv run` was killed, which orphans this process."""
    caller = psutil.Process().parent()
    if caller is None or not caller.name().startswith("uv"):
        await asyncio.Event().wait()
    else:
        await until(lambda: not watchdog.runs(caller))


if __name__ == "__main__":
    main()
