"""A process of the service, forked from one that has imported it already: that saves seconds."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from app.cli import main
from devstack import watchdog
from devstack.process import until

if sys.platform != "win32":
    from multiprocessing import forkserver
    from multiprocessing.context import ForkServerProcess

START_LIMIT = 30.0  # seconds
STOP_LIMIT = 15.0  # seconds

LISTENS = "Uvicorn running on"
"""What the API logs when it can be reached; it says before that its startup is complete."""


def run_command(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Become the service's command line with these `arguments`, in the process just forked."""
    os.setsid()  # so that Ctrl-C in the terminal of the tests is not for it
    os.chdir(log.parent)
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    main(arguments)


class Program:
    """A process of the service, to be started, stopped and killed as an operator would.

    Args:
        arguments: those of the service's command line.
        environment: all of its environment variables.
        folder: a new folder, for its log; it runs there, where no .env file is.
        sign: what it logs when it is ready.
        become: what the forked process does; a test may declare something first.

    Attributes:
        log: the file with all that it has said, also before a restart.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        sign: str,
        *,
        become: Callable[[Sequence[str], Mapping[str, str], Path], None] = run_command,
    ) -> None:
        folder.mkdir()
        self.log = folder / "log"
        self._arguments = arguments
        self._environment = environment
        self._sign = sign
        self._become = become
        self._process: ForkServerProcess | None = None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def returncode(self) -> int | None:
        """What it has ended with, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.exitcode

    async def start(self) -> None:
        """Start it, and return when it is ready."""
        context = multiprocessing.get_context("forkserver")
        before = self._said()
        self._process = context.Process(
            target=self._become,
            args=(self._arguments, self._environment, self.log),
        )
        self._process.start()
        watchdog.guard(self.pid, psutil.Process(self.pid).create_time())

        def is_ready() -> bool:
            return self._sign in self._said()[len(before) :]

        await until(lambda: is_ready() or not self.running, within=START_LIMIT)
        # It may have ended since: then it is for the test to say what should come of that.
        assert is_ready(), f"It is not ready, or ended with {self.returncode}:\n{self._said()}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    async def stop(self) -> None:
        """Ask it to end with SIGTERM, and wait until it has."""
        self.send_signal(signal.SIGTERM)
        assert await until(lambda: not self.running, within=STOP_LIMIT), self._said()

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        self.send_signal(signal.SIGKILL)
        await until(lambda: not self.running)

    async def restart(self) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.running:
            os.kill(self.pid, number)

    def _said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def preload(modules: Sequence[str]) -> None:
    """Import `modules` meanwhile in the process that the programs are forked from.

    They take seconds to import, once instead of for each program.
    """
    forkserver.set_forkserver_preload(["pytest", "tests.live_program", *modules])
    forkserver.ensure_running()
