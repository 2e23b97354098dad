"""Generated clients: made from a running service's document, compiled, and used against it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rendering import ROOT
from tests.services import Service, free_port, get, serving

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent on Windows"),
]

HERE = ROOT / "tests/clients"


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder with the generators and the programs that use the clients.

    Attributes:
        folder: where they are, and the clients in `generated`.
        arguments: what each program is called with: the service's URL and an access token.
    """

    folder: Path
    arguments: tuple[str, str]

    def run(self, *command: str) -> str:
        """Run `command` with the tools of npm; fail with what it said if it fails."""
        tools = self.folder / "node_modules/.bin"  # with a Node of its own where npm has one
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def workshop(
    full_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    """Yield the tools and the document of a full service, which runs meanwhile."""
    if shutil.which("npm") is None:
        reason = "npm is not installed, which brings the generators"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("clients") / "clients"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"))
    service = Service(full_environment, {**os.environ, "CI": "true"})
    port = free_port()
    command = ["uv", "run", "dev", "--port", str(port)]
    with serving(command, service.folder, service.environment, port):
        token = service.run("uv", "run", service.answers["project_slug"], "token", "anybody")
        workshop = Workshop(folder, (f"http://127.0.0.1:{port}", token.split()[-1]))
        workshop.run("npm", "ci")
        (folder / "openapi.json").write_text(get(port, "/openapi.json")[1], encoding="utf-8")
        yield workshop


def test_the_document_has_no_errors_for_redocly(workshop: Workshop) -> None:
    workshop.run("redocly", "lint", "openapi.json")


def test_a_python_client_is_complete_typed_and_works(workshop: Workshop) -> None:
    options = ("--path", "openapi.json", "--output-path", "generated/api_client")
    generate = ("openapi-python-client", "generate", "--meta", "none", "--fail-on-warning")
    workshop.run(*generate, *options)
    # Its client.py, which is the same for every document, is not typed strictly itself.
    strictly = ("--strict", "--explicit-package-bases", "--follow-imports=silent")
    made = ("generated/api_client/api", "generated/api_client/models")
    workshop.run("mypy", *strictly, "use_openapi_python_client.py", *made)
    workshop.run(sys.executable, "use_openapi_python_client.py", *workshop.arguments)


def test_two_typescript_clients_compile_and_work(workshop: Workshop) -> None:
    # Else what has a default would be required in the body of a request.
    options = ("--default-non-nullable=false", "--output", "generated/schema.ts")
    workshop.run("openapi-typescript", "openapi.json", *options)
    workshop.run("openapi-ts", "--input", "openapi.json", "--output", "generated/hey")
    workshop.run("tsc")
    for program in ("use_openapi_fetch", "use_hey_api"):
        workshop.run("node", f"compiled/{program}.js", *workshop.arguments)
