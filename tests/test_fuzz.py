"""Closed fuzz: services under requests that nobody has thought of, and what they give away."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from extensions.proof.rendering import render
from tests.rendering import ROOT
from tests.services import Service, free_port, serving

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent on Windows"),
]

HOOKS = ROOT / "tests/schemathesis_hooks.py"


@pytest.fixture(scope="module")
def environment(_isolated: None) -> dict[str, str]:
    """Return what a service's commands find in the environment."""
    return {**os.environ, "CI": "true"}  # a server that is missing is a failure


@pytest.fixture(scope="module")
def full(full_environment: Path, environment: dict[str, str]) -> Service:
    return Service(full_environment, environment)


def besiege(port: int, *options: str, folder: Path) -> None:
    """Send what schemathesis makes of the service's own document, and look at all answers."""
    done = subprocess.run(
        [
            *("st", "run", f"http://127.0.0.1:{port}/openapi.json"),
            *("--checks", "all", "--generation-deterministic", "--continue-on-failure"),
            *("--no-color", "--warnings", "off", *options),
        ],
        check=False,
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def standard(
    template: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Service:
    folder = render(template, tmp_path_factory.mktemp("standard") / "service", {})
    service = Service(folder, environment)
    service.run("uv", "sync", "--quiet")
    return service


@contextmanager
def running(service: Service) -> Iterator[int]:
    """Run the service with its servers, and yield the port of its API."""
    port = free_port()
    command = ["uv", "run", "dev", "--port", str(port)]
    with serving(command, service.folder, service.environment, port):
        yield port


def test_what_its_document_allows_is_answered_as_documented(full: Service, tmp_path: Path) -> None:
    """With an access token, then without."""
    with running(full) as port:
        token = full.run("uv", "run", full.answers["project_slug"], "token", "anybody").split()[-1]
        signed_in = ("--header", f"Authorization: Bearer {token}", "--max-examples", "15")
        besiege(port, *signed_in, folder=tmp_path)
        besiege(port, "--phases", "coverage", folder=tmp_path)


def test_the_standard_service_answers_as_documented_too(standard: Service, tmp_path: Path) -> None:
    with running(standard) as port:
        besiege(port, "--max-examples", "5", folder=tmp_path)


def test_the_workflow_audits_every_production_package(full: Service, tmp_path: Path) -> None:
    """Ask nobody here: the service that knows them cannot be reached from everywhere."""
    workflow = yaml.safe_load((full.folder / ".github/workflows/ci.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["audit"]["steps"] if "run" in step]
    export, audit = (shlex.split(step) for step in steps)
    listed = str(tmp_path / "requirements.txt")
    full.run(*[listed if part == "requirements.txt" else part for part in export])
    assert audit[:3] == ["uvx", "pip-audit", "--strict"]
    command = [listed if part == "requirements.txt" else part for part in audit[1:]]
    done = subprocess.run(
        [*command, "--dry-run"], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    installed = full.run("uv", "tree", "--locked", "--no-dev", "--no-dedupe", "--quiet")
    names = set(re.findall(r"([a-z0-9-]+)(?:\[[a-z,-]+\])? v\d", installed))
    names.remove(full.answers["project_slug"])
    assert f"would have audited {len(names)} packages" in done.stderr


def test_nothing_that_it_says_gives_a_secret_away(full: Service) -> None:
    """Run tests/fuzz inside the service; its owner has better things to do in each run."""
    shutil.copytree(ROOT / "tests/fuzz", full.folder / "tests/fuzz")
    try:
        full.run("uv", "run", "ruff", "format", "--check", "tests/fuzz")
        full.run("uv", "run", "ruff", "check", "tests/fuzz")
        full.run("uv", "run", "mypy", "tests/fuzz")
        said = full.run("uv", "run", "pytest", "-q", "tests/fuzz")
    finally:
        shutil.rmtree(full.folder / "tests/fuzz")
    assert " skipped" not in said, said
