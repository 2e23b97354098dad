"""The base class of servers: a folder, stable ports, a log, and a start that waits."""

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
    """A server's program is not installed."""


class Server(ABC):
    """One server that listens on this machine only and keeps its data in its own folder.

    Args:
        folder: the folder of data, ports, pid and log; created if missing.
        port: the port; by default that of the last start, or any free port.
        throwaway: whether the data may be lost in a power cut, as in tests.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    address_settings: ClassVar[tuple[str, ...]]
    """Settings that name the developer's own server, if one of them is set."""
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
        """The log file of the server."""
        return self.folder / "server.log"

    @abstractmethod
    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the settings with which `service` connects to this server.

        Args:
            service: the default name of its data on the servers.
            settings: the developer's own settings.
        """

    async def provide(self, environment: Mapping[str, str]) -> None:
        """Create what a service with this `environment` needs in order to connect."""
        return

    async def discard(self, environment: Mapping[str, str]) -> None:
        """Delete the data of a service with this `environment`; may stop the server."""
        return

    @abstractmethod
    def where(self, environment: Mapping[str, str]) -> str:
        """Return the address to print, for a service with this `environment`."""

    @abstractmethod
    async def _launch(self) -> None:
        """Start the process on `self.ports`."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Return whether the server responds."""

    async def start(self) -> None:
        """Start the server, and wait until it responds.

        Raises:
            DevstackError: its program is missing, its port is taken, or it exited.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.process.kill()  # a process left from a crash still holds the ports
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
            # Another program may have used one of its ports, if only briefly.

    async def _is_ready(self) -> bool:
        """Return True once it responds, and False if it exits or takes too long.

        After it has exited, a response on its port is another program's.
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
        """Kill the server, as in a crash; its data is kept."""
        await self.process.kill()

    async def restart(self) -> None:
        """Stop the server and start it on the same ports with the same data."""
        await self.stop()
        await self.start()

    def _choose_ports(self) -> dict[str, int]:
        """Return the ports of the last start that are free, or new ones, and record them."""
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
    """Return the path of the program `name` of `wheel`.

    Raises:
        MissingProgram: it is not installed; the text names the alternative.
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
    """Return the error for a program that is not installed."""
    return MissingProgram(
        f"{name} is not installed: either `uv sync` has not run, or the package {wheel} has no "
        f"wheel for this platform ({sys.platform}, {sysconfig.get_platform()}). In that case run "
        "the server yourself and set its address in .env.development; see README.md.",
    )
