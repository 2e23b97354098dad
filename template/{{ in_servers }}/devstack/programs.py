"""Run the service's own programs during development: prefix their output, and restart them."""

import asyncio
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from watchfiles import PythonFilter, awatch

from devstack.process import Process, until

STOP_LIMIT = 3.0  # seconds
RESET = "\x1b[0m"


class Program:
    """A program of the service; its lines are printed with its name as prefix.

    Args:
        name: the prefix.
        color: the ANSI code for the name; empty for none.
        command: the program and its arguments.
        environment: all of its environment variables.
        root: its working directory.
    """

    def __init__(
        self,
        name: str,
        color: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        root: Path,
    ) -> None:
        self._prefix = f"{color}{name:<6} |{RESET} " if color else f"{name:<6} | "
        self._command = command
        self._environment = environment
        self._root = root
        self._process = Process(root / ".devstack" / f"{name}.json")
        self._is_wanted = False

    async def start(self) -> None:
        """Start it."""
        popen = await self._process.start(
            self._command,
            output=subprocess.PIPE,
            environment=self._environment,
            folder=self._root,
        )
        self._is_wanted = True
        threading.Thread(target=self._print, args=[popen], daemon=True).start()

    async def stop(self) -> None:
        """Stop it, and kill it after a few seconds."""
        self._is_wanted = False
        await self._process.stop(within=STOP_LIMIT)

    async def ended(self) -> None:
        """Wait until it exits by itself, and print that."""
        await until(lambda: self._is_wanted and not self._process.running)
        self._say(f"This program has ended with exit code {self._process.returncode}.")

    async def restart_on_change(self, folder: Path) -> None:
        """Restart it whenever Python code below `folder` changes, until this is canceled."""
        reports = asyncio.create_task(self._report_ends())
        try:
            async for _ in awatch(folder, watch_filter=PythonFilter()):
                self._say("The code has changed; restarting.")
                await self.stop()
                await self.start()
        finally:
            reports.cancel()

    async def _report_ends(self) -> None:
        while True:
            await self.ended()
            self._say("It starts again when the code changes.")
            await until(lambda: self._process.running)

    def _print(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdout is not None  # noqa: S101 (it is a pipe)
        with popen.stdout as lines:
            for line in lines:
                self._say(line.decode(errors="replace").rstrip("\r\n"))

    def _say(self, text: str) -> None:
        print(f"{self._prefix}{text}", flush=True)
