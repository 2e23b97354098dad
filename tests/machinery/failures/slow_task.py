"""A worker that has, besides the service's own tasks, some that take as long as a test wants."""

import asyncio
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core.broker import broker
from tests.live_program import run_command


@broker.task("wait for a file")
async def wait_for_file(awaited: Path, log: Path) -> None:
    """Write `begin <pid>` to the log, and `end <pid>` once the awaited file is there."""
    _write(log, "begin")
    while not awaited.exists():  # noqa: ASYNC110, ASYNC240 (another process makes it)
        await asyncio.sleep(0.02)
    _write(log, "end")


@broker.task("hang", timeout=0.05, max_retries=1)
def hang(log: Path) -> None:
    """Write `begin <pid>` to the log, and go on for ever."""
    _write(log, "begin")
    threading.Event().wait()


def become_worker(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Become the worker; importing this module has declared the tasks."""
    run_command(arguments, environment, log)


def _write(log: Path, word: str) -> None:
    with log.open("a") as file:
        file.write(f"{word} {os.getpid()}\n")
