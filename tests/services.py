"""Services that were really installed: run their commands, start and stop them."""

import os
import random
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

PATIENCE = 180  # seconds; a machine may be busy with much else
ENDING = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Service:
    """A scaffolded service in its folder.

    Attributes:
        folder: where it is.
        environment: what its commands find in the environment.
    """

    folder: Path
    environment: Mapping[str, str]

    @property
    def answers(self) -> dict[str, Any]:
        """Return what was answered, as the service itself has it recorded."""
        recorded: dict[str, Any] = yaml.safe_load((self.folder / ".copier-answers.yml").read_text())
        return recorded

    def run(self, *command: str) -> str:
        """Run `command` in the service's folder; fail with what it said if it fails."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def processes_left(self) -> str:
        """Return the processes that go on running from the service's folder, one a line.

        Python's own helpers of a program end a moment after it.
        """
        command = ["pgrep", "--list-full", "--full", str(self.folder)]
        deadline = time.monotonic() + ENDING
        while True:
            found = subprocess.run(command, check=False, capture_output=True, text=True).stdout
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)


def free_port() -> int:
    """Return a port that is free, and that no server of a service nor a test elsewhere will take.

    Systems take those of outgoing connections from above, and so do devstack's servers.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in random.sample(range(10_000 + number % 4, 12_000, 4), k=100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("none of a hundred ports is free")


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and body; 0 while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@contextmanager
def started(
    command: list[str],
    folder: Path,
    environment: Mapping[str, str],
    is_ready: Callable[[str], bool],
) -> Iterator[None]:
    """Run `command` until it is ready; press Ctrl-C at the end and wait for it.

    `is_ready` is given what the command has said so far.
    """
    log = folder / "command.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    try:
        while not is_ready(log.read_text()):
            assert process.poll() is None, f"it ended\n{log.read_text()}"
            assert time.monotonic() < deadline, f"it is not ready\n{log.read_text()}"
            time.sleep(0.1)
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"Ctrl-C did not end it\n{log.read_text()}")
        log.unlink()


@contextmanager
def serving(
    command: list[str],
    folder: Path,
    environment: Mapping[str, str],
    port: int,
) -> Iterator[None]:
    """Run `command` until the API is ready at `port`; afterwards nothing answers there."""
    with started(command, folder, environment, lambda _: get(port, "/health/ready")[0] == 200):
        yield
    assert get(port, "/health/live")[0] == 0, "the API goes on after Ctrl-C"
