"""The programs that are measured: started, awaited, watched, stopped by pid."""

import asyncio
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from devstack.process import HOST, Process, free_port
from measure.setting import Setting

START_LIMIT = 60.0  # seconds
UVICORN = ("uvicorn", "--host", HOST, "--loop", "uvloop", "--http", "httptools")
QUIET = (*UVICORN, "--no-access-log")
COMMANDS: Mapping[str, Sequence[str]] = {
    "limit": (*QUIET, "limit:app"),
    "floor": (*QUIET, "floor:app"),
    "service": (*QUIET, "--factory", "app.main:create_app"),
    "service without envelope": (*QUIET, "--factory", "measure.variants:without_envelope"),
    "service with observability": (
        *QUIET,
        *("--app-dir", str(Path.cwd() / "observed")),
        *("--factory", "app.main:create_app"),
    ),
    "limit, logging": (*UVICORN, "limit:app"),
    "service, logging": ("app", "serve", "--host", HOST),
    "limit, 2 processes": (*QUIET, "--workers", "2", "limit:app"),
    "service, 2 processes": (*QUIET, "--workers", "2", "--factory", "app.main:create_app"),
}
"""What `python -m` runs; the port is added."""


class BenchError(Exception):
    """What went wrong, as a sentence for the person at the terminal."""


class Program:
    """A running program of Python.

    Attributes:
        url: where its API answers, if it has one.
        log: what it has said.
        started_in: seconds from its start to the first answer that it is ready.
    """

    def __init__(self, setting: Setting, name: str) -> None:
        safe = "".join(character if character.isalnum() else "-" for character in name)
        self.name = name
        self.log = setting.folder / f"{safe}.log"
        self.url = ""
        self.started_in = 0.0
        self._setting = setting
        self._process = Process(setting.folder / f"{safe}.json")
        self._pid = 0

    async def start(self, command: Sequence[str], *, folder: Path | None = None) -> None:
        """Start `python -m command`, in `folder` or where no .env file is."""
        with self.log.open("wb") as log:
            popen = await self._process.start(
                [sys.executable, "-m", *command],
                output=log,
                environment=dict(self._setting.environment),
                folder=folder or self._setting.folder,
            )
        self._pid = popen.pid

    async def start_api(self, command: Sequence[str], *, path: str = "/health/ready") -> None:
        """Start an API, and return when it is ready."""
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        begin = time.perf_counter()
        await self.start([*command, "--port", str(port)])
        while await asyncio.to_thread(status_of, self.url + path) != 200:
            self.check()
            if time.perf_counter() - begin > START_LIMIT:
                raise BenchError(f"{self.name} is not ready after {START_LIMIT:g} s.")
            await asyncio.sleep(0.005)
        self.started_in = time.perf_counter() - begin

    def check(self) -> None:
        """Raise a BenchError with what it has said if it has ended."""
        if not self._process.running:
            raise BenchError(f"{self.name} has ended:\n{self.log.read_text()[-3000:]}")

    async def stop(self) -> None:
        """Stop it."""
        await self._process.stop()

    def memory(self) -> float:
        """Return the resident memory of the program and its children, in MB."""
        return sum(process.memory_info().rss for process in self._family()) / 1e6

    def processor_time(self) -> float:
        """Return the seconds that the program and its children have computed so far."""
        times = [process.cpu_times() for process in self._family()]
        return sum(each.user + each.system for each in times)

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self._pid)
        return [process, *process.children(recursive=True)]

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[list[float]]:
        """Yield a list that is filled with the memory in MB, 50 times a second."""
        seen = [self.memory()]

        async def watch() -> None:
            while True:
                await asyncio.sleep(0.02)
                seen.append(self.memory())

        watching = asyncio.create_task(watch())
        try:
            yield seen
        finally:
            watching.cancel()


def status_of(url: str) -> int:
    """Return the status with which `url` answers, 0 if nothing does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own address)
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@asynccontextmanager
async def apis(setting: Setting, *names: str) -> AsyncIterator[dict[str, Program]]:
    """Run the named APIs side by side; each idles while it is not asked."""
    programs: dict[str, Program] = {}
    try:
        for name in dict.fromkeys(names):
            programs[name] = Program(setting, name)
            await programs[name].start_api(COMMANDS[name])
        yield programs
    finally:
        for program in programs.values():
            await program.stop()
