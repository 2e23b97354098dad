"""Processes of this machine: started, recorded, stopped by pid, and never a stranger's."""

import asyncio
import contextlib
import json
import math
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from devstack import watchdog

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections: there a client that
# retries while its server is down may end up connected to itself, and the port would be lost.
PORTS = range(22_000, 32_000)

STOP_LIMIT = 10.0  # seconds

_given: set[int] = set()


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
    """Return a port that nothing listens on and that no outgoing connection will take.

    It is another one each time: what got the last one may not listen yet.
    """
    for port in random.sample(PORTS, k=100):
        if port not in _given and port_is_free(port):
            _given.add(port)
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
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process that was started last still runs."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """What the process that was started last has ended with; negative for a signal."""
        return None if self._popen is None else self._popen.poll()

    async def start(
        self,
        command: Sequence[str | Path],
        *,
        output: int | IO[bytes],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, after ending what a crash left behind.

        Args:
            command: the program and its arguments.
            output: where stdout and stderr go, as for `subprocess.Popen`.
            environment: all of its environment variables; this process's by default.
            folder: where it runs.
        """
        await self.kill()
        self._popen = subprocess.Popen(  # noqa: ASYNC220, S603 (quick; our own commands)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we stop all in order
        )
        started = psutil.Process(self._popen.pid).create_time()
        watchdog.guard(self._popen.pid, started)  # first: what has a record is guarded
        write_record(self._record, self._popen.pid, started)
        return self._popen

    async def stop(
        self,
        stop_signal: signal.Signals = signal.SIGTERM,
        *,
        within: float = STOP_LIMIT,
    ) -> None:
        """Ask the process to end, and kill it if it has not done so `within` seconds."""
        process = read_record(self._record)
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                if sys.platform == "win32":
                    process.terminate()
                else:
                    process.send_signal(stop_signal)
            await until(lambda: not watchdog.runs(process), within=within)
        await self.kill()

    async def kill(self) -> None:
        """End the process and its children at once, as a crash would."""
        process = read_record(self._record)
        if process is not None:
            family = watchdog.kill_family(process)
            await until(lambda: not any(map(watchdog.runs, family)), within=STOP_LIMIT)
        if self._popen is not None:
            self._popen.wait()
        self._record.unlink(missing_ok=True)


def write_record(path: Path, pid: int, started: float) -> None:
    """Note in `path` which process `pid` is, by its start in epoch seconds."""
    path.write_text(json.dumps({"pid": pid, "started": started}))


def read_record(path: Path) -> psutil.Process | None:
    """Return the process that `path` is about if it still runs."""
    # It may have been cut off.
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        record = json.loads(path.read_text())
        return watchdog.find(record["pid"], record["started"])
    return None


async def until(condition: Callable[[], bool], *, within: float = math.inf) -> bool:
    """Return as soon as `condition` is true, or false after `within` seconds.

    It asks again and again, as other processes and files tell nobody what becomes of them.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
