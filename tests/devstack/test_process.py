"""Processes are found again after a crash, and a stranger's is never taken for ours."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from devstack import watchdog
from devstack.process import HOST, Process, free_port, port_is_free, until, write_record

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as popen:  # noqa: S603 (our own command)
        yield popen
        popen.kill()


async def test_a_second_start_ends_what_a_crash_left_behind(tmp_path: Path) -> None:
    record = tmp_path / "process.json"
    left_behind = await Process(record).start(SLEEP, output=subprocess.DEVNULL)

    process = Process(record)
    await process.start(SLEEP, output=subprocess.DEVNULL)

    assert left_behind.wait() != 0
    assert record.exists()
    await process.kill()
    assert not process.running
    assert not record.exists()


async def test_a_stranger_with_the_recorded_pid_lives_on(
    tmp_path: Path,
    stranger: subprocess.Popen[bytes],
) -> None:
    record = tmp_path / "process.json"
    started_before = psutil.Process(stranger.pid).create_time() - 60
    write_record(record, stranger.pid, started_before)

    await Process(record).kill()

    assert stranger.poll() is None
    assert not record.exists()


async def test_a_record_that_cannot_be_read_stands_for_nothing(tmp_path: Path) -> None:
    record = tmp_path / "process.json"
    record.write_text("{")
    process = Process(record)
    await process.start(SLEEP, output=subprocess.DEVNULL)
    await process.kill()


async def test_killing_a_process_ends_its_children_too(tmp_path: Path) -> None:
    process = Process(tmp_path / "process.json")
    parent = psutil.Process((await process.start(FAMILY, output=subprocess.DEVNULL)).pid)
    assert await until(lambda: bool(parent.children()), within=10)
    [child] = parent.children()

    await process.kill()

    assert await until(lambda: not watchdog.runs(child), within=10)


async def test_a_process_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    process = Process(tmp_path / "process.json")
    await process.start([sys.executable, "-c", program, ready], output=subprocess.DEVNULL)
    assert await until(ready.exists, within=10)

    await process.stop(within=0.1)

    assert not process.running


async def test_processes_end_with_the_program_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, pathlib, subprocess, sys
from devstack.process import Process
process = Process(pathlib.Path({str(tmp_path / "process.json")!r}))
popen = asyncio.run(process.start({SLEEP!r}, output=subprocess.DEVNULL))
print(popen.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(  # noqa: ASYNC220, S603 (quick; our own command)
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        orphan = psutil.Process(int(starter.stdout.readline()))
        starter.kill()

    assert await until(lambda: not watchdog.runs(orphan), within=10)


def test_a_port_is_free_until_somebody_listens_there() -> None:
    port = free_port()
    assert port_is_free(port)
    with socket.create_server((HOST, port)):
        assert not port_is_free(port)
    assert port_is_free(port)


def test_a_port_is_given_once_though_nothing_listens_there_yet() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)
