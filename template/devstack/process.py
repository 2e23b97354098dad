"""Processes of this machine: started, recorded, stopped by pid, and never a stranger's."""

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from devstack import watchdog

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections: there a client that
# retries while its server is down may end up connected to itself, and the port would be lost.
PORTS = range(20_000, 32_000)

STOP_LIMIT = 10.0  # seconds


class DevstackError(Exception):
    """What is wrong and what to do about it, as sentences for the person at the terminal."""


def port_is_free(port: int, host: str = HOST) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nothing listens on and that no outgoing connection will take."""
    for port in random.sample(PORTS, k=100):
        if port_is_free(port):
            return port
    raise DevstackError(f"No port between {PORTS.start} and {PORTS.stop} is free on {HOST}.")


async def accepts_connections(port: int, host: str = HOST) -> bool:
    """Return whether something listens on `port`."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


class Process:
    """A program that runs at most once per record file, whatever became of the one who started it.

    The record holds the pid and when that process started, since a pid alone may have passed on to
    a stranger by the time it is read.
    """

    def __init__(self, record: Path) -> None:
        self._record = record
        self.popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process that was started last still runs."""
        return self.popen is not None and self.popen.poll() is None

    async def start(
        self,
        command: Sequence[str | Path],
        *,
        output: int | IO[bytes],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        **options: Any,
    ) -> None:
        """Start `command` in a session of its own, after stopping what a crash left behind.

        Args:
            command: the program and its arguments.
            output: where stdout and stderr go, as for `subprocess.Popen`.
            environment: all of its environment variables; this process's by default.
            folder: where it runs.
            options: more arguments of `subprocess.Popen`, such as `user`.
        """
        await self.kill()
        self.popen = subprocess.Popen(  # noqa: ASYNC220, S603 (quick; our own commands)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we stop all in order
            **options,
        )
        started = psutil.Process(self.popen.pid).create_time()
        self._record.write_text(json.dumps({"pid": self.popen.pid, "started": started}))
        watchdog.guard(self.popen.pid, started)

    async def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Ask the process to end, and kill it if it has not done so within `STOP_LIMIT`."""
        process = self._recorded()
        if process is not None:
            if sys.platform == "win32":
                process.terminate()
            else:
                process.send_signal(stop_signal)
            await _gone([process])
        await self.kill()

    async def kill(self) -> None:
        """End the process and its children at once, as a crash would."""
        process = self._recorded()
        if process is not None:
            family = [*_children(process), process]
            for member in family:
                watchdog.kill(member)
            await _gone(family)
        if self.popen is not None:
            self.popen.wait()
        self._record.unlink(missing_ok=True)

    def _recorded(self) -> psutil.Process | None:
        """Return the recorded process if it still runs."""
        try:
            record = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return None
        return watchdog.find(record["pid"], record["started"])


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


async def _gone(processes: list[psutil.Process]) -> None:
    """Return when none of `processes` runs any more, or after `STOP_LIMIT`."""
    deadline = time.monotonic() + STOP_LIMIT
    while any(watchdog.runs(process) for process in processes):
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.01)
