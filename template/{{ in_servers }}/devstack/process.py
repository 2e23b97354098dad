"""Start, record and stop processes by pid, without stopping another program's process."""

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
# Below the ephemeral range: a client that retries there while its server is down may connect to
# itself, and block the port.
PORTS = range(22_000, 32_000)

STOP_LIMIT = 10.0  # seconds

_given: set[int] = set()


class DevstackError(Exception):
    """An expected failure; the text tells the developer the reason and the fix."""


def port_is_free(port: int, host: str = HOST) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        if sys.platform != "win32":  # on Windows it would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a free port that no outgoing connection uses.

    Each call returns another one: the program with the last one may not listen yet.
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
    """A program that runs at most once per record file, even after its parent has crashed.

    The record holds the pid and the start time of the process, since pids are reused.
    """

    def __init__(self, record: Path) -> None:
        self._record = record
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the last started process is still running."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code of the last started process; negative for a signal."""
        return None if self._popen is None else self._popen.poll()

    async def start(
        self,
        command: Sequence[str | Path],
        *,
        output: int | IO[bytes],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `command` in a session of its own, after killing a process left from a crash.

        Args:
            command: the program and its arguments.
            output: the target of stdout and stderr, as for `subprocess.Popen`.
            environment: all of its environment variables; by default those of this process.
            folder: its working directory.
        """
        await self.kill()
        self._popen = subprocess.Popen(  # noqa: ASYNC220, S603 (quick; our own commands)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,  # Ctrl-C reaches only this program, which stops all in order
        )
        started = psutil.Process(self._popen.pid).create_time()
        watchdog.guard(self._popen.pid, started)  # first: every recorded process is guarded
        write_record(self._record, self._popen.pid, started)
        return self._popen

    async def stop(
        self,
        stop_signal: signal.Signals = signal.SIGTERM,
        *,
        within: float = STOP_LIMIT,
    ) -> None:
        """Terminate the process, and kill it if it still runs after `within` seconds."""
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
        """Kill the process and its children, as in a crash."""
        process = read_record(self._record)
        if process is not None:
            family = watchdog.kill_family(process)
            await until(lambda: not any(map(watchdog.runs, family)), within=STOP_LIMIT)
        if self._popen is not None:
            self._popen.wait()
        self._record.unlink(missing_ok=True)


def write_record(path: Path, pid: int, started: float) -> None:
    """Record the pid and start time (epoch seconds) of a process in `path`."""
    path.write_text(json.dumps({"pid": pid, "started": started}))


def read_record(path: Path) -> psutil.Process | None:
    """Return the process recorded in `path` if it still runs."""
    # The file may be truncated.
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        record = json.loads(path.read_text())
        return watchdog.find(record["pid"], record["started"])
    return None


async def until(condition: Callable[[], bool], *, within: float = math.inf) -> bool:
    """Poll `condition`; return True once it is true, or False after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
