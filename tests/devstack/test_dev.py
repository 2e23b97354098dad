"""`uv run dev`, in a copy of the project: it starts, gets over a crash, leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx2
import psutil
import pytest

from app.core.config import Settings
from devstack.process import HOST, free_port, read_record, until
from devstack.stack import Stack
from devstack.watchdog import runs
from tests.servers import temporary_folder

ROOT = Path(__file__).parents[2]
NOT_COPIED = {".devstack", ".env", ".env.development", ".git", ".venv", "tests"}
READY = "Ctrl-C stops all of it."

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")


class Dev:
    """`uv run dev` in `project`."""

    def __init__(self, project: Path, environment: Mapping[str, str], *arguments: str) -> None:
        self._output = project / "dev.log"
        with self._output.open("wb") as output:
            self.popen = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-m", "devstack.cli", *arguments],
                cwd=project,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.wait()

    @property
    def output(self) -> str:
        return self._output.read_text()

    async def until_ready(self) -> None:
        await until(lambda: READY in self.output or self.popen.poll() is not None, within=60)
        assert self.popen.poll() is None, self.output

    async def ends(self) -> int:
        assert await until(lambda: self.popen.poll() is not None, within=30), self.output
        return self.popen.returncode


@pytest.fixture(scope="module")
def project() -> Path:
    """A copy of this project, without the person's settings and data."""
    folder = temporary_folder()
    for part in ROOT.iterdir():
        if part.name in NOT_COPIED:
            continue
        if part.is_dir():
            shutil.copytree(part, folder / part.name)
        else:
            shutil.copy(part, folder)
    return folder


@pytest.fixture
def environment(live_servers: Stack) -> dict[str, str]:
    """Environment variables in which all servers but the first are the person's own."""
    machine = {name: os.environ[name] for name in os.environ if name not in Settings.model_fields}
    own = Stack(live_servers.servers[0].folder.parent, throwaway=True)
    own.servers = live_servers.servers[1:]
    return {**machine, **own.environment("dev", {})}


def processes_of(project: Path) -> list[psutil.Process]:
    """Return what runs according to the records in the project's folder, with its children."""
    found = [read_record(record) for record in project.glob(".devstack/**/*.json")]
    running = [process for process in found if process is not None]
    return [*running, *(child for process in running for child in process.children(recursive=True))]


async def test_it_gets_over_a_crash_runs_all_of_it_and_leaves_nothing_behind(
    project: Path,
    environment: dict[str, str],
) -> None:
    with Dev(project, environment, "--servers-only") as dev:
        records = project / ".devstack"
        assert await until(lambda: any(records.glob("*/process.json")), within=30), dev.output
        left_behind = processes_of(project)
    assert await until(lambda: not any(map(runs, left_behind)), within=10)

    port = free_port()
    with Dev(project, environment, "--port", str(port)) as dev:
        await dev.until_ready()
        async with httpx2.AsyncClient() as client:
            answer = await client.get(f"http://{HOST}:{port}/health/ready")
        assert answer.is_success, answer.text
        assert "SECRET_KEY=change-me" not in (project / ".env.development").read_text()
        assert "your own" in dev.output or len(Stack(project).servers) == 1
        running = processes_of(project)
        dev.popen.send_signal(signal.SIGINT)
        assert await dev.ends() == 0
    assert len(running) > 2
    assert await until(lambda: not any(map(runs, running)), within=10)


async def test_a_port_that_is_taken_is_said_with_another_to_try(
    project: Path,
    environment: dict[str, str],
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with Dev(project, environment, "--port", str(port)) as dev:
            assert await dev.ends() == 1

    assert f"Port {port} is taken" in dev.output
    assert "uv run dev --port" in dev.output
    assert "Traceback" not in dev.output


async def test_wrong_settings_are_all_that_is_said(
    project: Path,
    environment: dict[str, str],
) -> None:
    (project / ".env.development").write_text("SECRET_KEY=known\n")
    with Dev(project, {**environment, "API_PORT": "http"}) as dev:
        assert await dev.ends() == 1

    assert dev.output.startswith("The settings are not usable:\n  - API_PORT: ")
    assert len(dev.output.splitlines()) == 3
    assert processes_of(project) == []


async def test_a_storage_of_your_own_that_refuses_its_keys_is_said_in_a_sentence(
    project: Path,
    environment: dict[str, str],
) -> None:
    with Dev(project, {**environment, "S3_SECRET_ACCESS_KEY": "wrong"}, "--servers-only") as dev:
        assert await dev.ends() == 1

    assert "The object storage denies access to this service." in dev.output
    assert "Traceback" not in dev.output


async def test_what_is_no_port_is_said_to_be_none(
    project: Path,
    environment: dict[str, str],
) -> None:
    server = Stack(project).servers[0]
    for option in ("--port", f"--{server.name}-port"):
        with Dev(project, environment, option, "99999") as dev:
            assert await dev.ends() == 2
        assert "a port is a number from 1 to 65535, not 99999" in dev.output
        assert "Traceback" not in dev.output
