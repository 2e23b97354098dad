"""A service as in its image: a tree that it cannot write to, and a user who may do nothing."""

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.images import install
from tests.rendering import ROOT
from tests.services import PATIENCE, Service, free_port, get, started

pytestmark = pytest.mark.fuzz

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the image of a service has, in a folder, to be run as nobody without being written to.

    Attributes:
        tree: the folder.
        python: where its interpreter is installed.
        root: an empty folder, where all that the programs see is put together.
        settings: their environment variables.
    """

    tree: Path
    python: str
    root: Path
    settings: dict[str, str]

    def command(self, *command: str) -> list[str]:
        """Return the command that runs `command` so."""
        script = str(ROOT / "tests/sealed.sh")
        places = [str(self.root), str(self.tree), self.python]
        return ["unshare", "--mount", "sh", script, *places, *command]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run `command` to its end."""
        return subprocess.run(
            self.command(*command),
            check=False,
            env=self.settings,
            capture_output=True,
            text=True,
        )

    @contextmanager
    def running(self, *command: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        """Run `command` as a program of the service, which ends on SIGTERM."""
        with log.open("wb") as output:
            program = subprocess.Popen(
                self.command(*command), env=self.settings, stdout=output, stderr=output
            )
        try:
            yield program
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)
        # uvicorn ends by the signal again when all is done.
        assert program.returncode in (0, -signal.SIGTERM), log.read_text()


def require_mounts() -> None:
    """Skip the test where nothing can be mounted so that nobody can write to it, but in CI."""
    reason = "Only root on Linux can mount a tree so that nobody can write to it."
    if sys.platform == "linux" and os.geteuid() == 0:
        done = subprocess.run(
            ["unshare", "--mount", "true"], check=False, capture_output=True, text=True
        )
        if done.returncode == 0:
            return
        reason = f"Nothing can be mounted here, as in a container without rights: {done.stderr}"
    assert not os.environ.get("CI"), reason
    pytest.skip(reason)


@pytest.fixture(scope="module")
def sealed(full_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    """Return the full service, sealed, with real servers that are prepared for it."""
    require_mounts()
    folder = tmp_path_factory.mktemp("sealed")
    tree, root = folder / "tree", folder / "root"
    root.mkdir()
    install(full_environment, tree)
    tell = "import sys; print(sys.base_prefix)"
    python = subprocess.run(
        [tree / ".venv/bin/python", "-c", tell], check=True, capture_output=True, text=True
    ).stdout.strip()
    service = Service(full_environment, {**os.environ, "CI": "true"})
    command = ["uv", "run", "dev", "--servers-only"]
    with started(
        command, service.folder, service.environment, lambda said: "Ctrl-C stops all" in said
    ):
        written = shlex.split((service.folder / ".devstack/env").read_text())
        yield Sealed(
            tree,
            python,
            root,
            {
                "PATH": "/srv/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                **dict(line.split("=", 1) for line in written),
                "APP_ENV": "production",
                "SECRET_KEY": secrets.token_hex(),
                "TEMP_DIR": "/scratch",
            },
        )


def test_nothing_but_its_folder_for_files_in_transit_can_be_written_to(sealed: Sealed) -> None:
    for place in ("/srv", "/srv/app", "/srv/.venv/bin", "/tmp", "/usr", "/"):  # noqa: S108
        done = sealed.run("touch", f"{place}/written")
        assert "Read-only file system" in done.stderr, (place, done)
    assert sealed.run("touch", "/scratch/written").returncode == 0
    assert sealed.run("id", "-u").stdout == f"{NOBODY}\n"


def test_it_does_all_its_work(sealed: Sealed, tmp_path: Path) -> None:
    """Create, announce and report an example, and keep a file with it."""
    port = free_port()
    python = ("python", "-m", "app")
    logs = tmp_path / "api", tmp_path / "worker"
    serve = (*python, "serve", "--port", str(port))
    token = sealed.run(*python, "token", "anybody").stdout.strip()
    api = Api(port, token)
    with (
        sealed.running(*serve, log=logs[0]) as program,
        sealed.running(*python, "worker", log=logs[1]),
    ):
        assert until(lambda: program.poll() is not None or get(port, "/health/ready")[0] == 200), (
            logs[0].read_text()
        )
        status = Path(f"/proc/{program.pid}/status").read_text()
        assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}\n" in status
        example = f"/api/v1/examples/{api.post('/api/v1/examples', {'name': 'First'})['id']}"
        assert until(lambda: api.get(f"{example}/activity")["items"]), logs[1].read_text()
        api.post(f"{example}/report", {})
        assert until(lambda: get(port, f"{example}/report")[0] == 200), logs[1].read_text()
        content = b"%PDF-" + bytes(3_000_000)  # more than is held in memory
        attachment = api.attach(f"{example}/attachments", content)
        assert api.download(f"{example}/attachments/{attachment['id']}") == content


def until(look: Callable[[], object]) -> bool:
    """Return whether `look` returns something true before too long."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@dataclass(frozen=True, slots=True)
class Api:
    """The API at a port of this machine, for one who is signed in."""

    port: int
    token: str

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> Any:
        return json.loads(get(self.port, path)[1])["data"]

    def download(self, path: str) -> Any:
        with urllib.request.urlopen(self.url(path)) as answer:  # noqa: S310 (our own address)
            return answer.read()

    def post(self, path: str, data: object) -> Any:
        return self._send(path, json.dumps(data).encode(), "application/json")

    def attach(self, path: str, content: bytes) -> Any:
        before = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="file.pdf"\r\n'
            b"Content-Type: application/pdf\r\n\r\n"
        )
        body = before + content + b"\r\n--b--\r\n"
        return self._send(path, body, "multipart/form-data; boundary=b")

    def _send(self, path: str, body: bytes, content_type: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 (our own address)
            self.url(path),
            body,
            {"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 (our own address)
            return json.loads(answer.read())["data"]
