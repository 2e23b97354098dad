"""Kill the started processes if this program is killed.

`guard` registers a process with a small watcher process. The watcher reads its standard input,
which closes when this program exits for any reason. It then kills the processes that still run.
"""

import atexit
import contextlib
import json
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO

import psutil

CLOCK_TOLERANCE = 2.0  # seconds by which the reported start time of a process may vary


def find(pid: int, started: float) -> psutil.Process | None:
    """Return process `pid` if it runs and is the one that started at `started` (epoch seconds)."""
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - started) < CLOCK_TOLERANCE
    except psutil.NoSuchProcess:
        return None
    return process if is_same and runs(process) else None


def runs(process: psutil.Process) -> bool:
    """Return whether `process` runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_family(process: psutil.Process) -> list[psutil.Process]:
    """Kill `process` and its children, and return all of them."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return []
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    return family


def guard(pid: int, started: float) -> None:
    """Kill process `pid` with this start time (epoch seconds) if this program is killed."""
    _send({"pid": pid, "started": started})


def guard_folder(folder: Path) -> None:
    """Delete `folder` if this program is killed."""
    _send({"folder": str(folder)})


def _send(message: dict[str, object]) -> None:
    pipe = _watcher()
    pipe.write(json.dumps(message).encode() + b"\n")
    pipe.flush()


@cache
def _watcher() -> IO[bytes]:
    """Start the watcher and return its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "devstack.watchdog"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(process.communicate)  # closes its standard input and waits for it
    assert process.stdin is not None  # noqa: S101 (it is a pipe)
    return process.stdin


def main() -> None:
    """Read processes and folders until standard input closes, then kill and delete them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    messages = [json.loads(line) for line in sys.stdin]
    for message in messages:
        if "pid" in message and (process := find(message["pid"], message["started"])):
            kill_family(process)
    for message in messages:
        if "folder" in message:
            shutil.rmtree(message["folder"], ignore_errors=True)


if __name__ == "__main__":
    main()
