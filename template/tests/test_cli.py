"""The commands that every service has, against the same servers as all other tests."""

import json
import os
import random
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from app.core.config import Settings
from app.resources import RESOURCES
from tests.commands import run
from tests.environment import environment_of

pytestmark = pytest.mark.usefixtures("environment")


def test_wrong_settings_end_every_command_with_one_readable_text(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("API_PORT", "http")

    for command in ("serve", "check", "health", "settings", "openapi"):
        ended = run(capsys, command)

        assert ended.code == 2
        assert ended.output == ""
        assert ended.errors.startswith("The settings are not usable:\n  - API_PORT: ")
        assert "Traceback" not in ended.errors


def test_what_each_command_does_is_told_in_full_on_a_narrow_terminal(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("COLUMNS", "80")

    ended = run(capsys, "--help")

    _, commands = ended.output.split("Commands:\n")
    assert "..." not in commands


def test_check_finds_every_resource_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    ended = run(capsys, "check")

    assert ended.code == 0, ended
    for resource in RESOURCES:
        assert any(
            line.split()[:2] == [resource.name, "ok"] for line in ended.output.splitlines()
        ), ended.output


def test_settings_are_shown_without_secrets(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "settings")

    assert f"API_PORT={settings.API_PORT}\n" in ended.output
    assert "SECRET_KEY=********\n" in ended.output
    assert settings.SECRET_KEY.get_secret_value() not in ended.output


def test_openapi_is_printed_as_json(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "openapi")

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert json.loads(ended.output)["info"] == {
        "title": settings.PROJECT_NAME,
        "description": project["description"],
        "version": project["version"],
    }


def test_openapi_needs_no_settings(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = run(capsys, "openapi").output
    for name in Settings.model_fields.keys() - {"PROJECT_NAME"}:
        environment.delenv(name, raising=False)

    for environment_name in ("development", "production"):
        environment.setenv("APP_ENV", environment_name)
        assert run(capsys, "openapi").output == printed


def test_health_of_an_api_that_does_not_run_is_a_sentence_and_a_failure(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as silent:  # nobody else gets its port, and it does not listen there
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        environment.setenv("API_PORT", str(port))

        ended = run(capsys, "health")

    assert (ended.code, ended.errors) == (1, "")
    assert f"127.0.0.1:{port} is unreachable" in ended.output


def test_serve_on_a_taken_port_is_a_sentence_and_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run(capsys, "serve", "--host", "127.0.0.1", "--port", str(port))

    assert ended.code == 1
    assert ended.errors.startswith(f"The API cannot listen on 127.0.0.1:{port}: ")


def free_port() -> int:
    """Return one that no outgoing connection takes before the API does: those are above."""
    for port in random.sample(range(12_000, 22_000), k=100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("none of a hundred ports is free")


def test_the_api_is_served_until_it_is_told_to_stop(
    settings: Settings,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    environment.setenv("API_PORT", str(free_port()))
    program = [sys.executable, "-m", "app", "serve"]
    variables = {**environment_of(settings), "API_PORT": os.environ["API_PORT"]}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(program, env=variables, stdout=log, stderr=log) as server,  # noqa: S603 (ours)
    ):
        try:
            deadline = time.monotonic() + 60
            while (ready := run(capsys, "health", "ready")).code != 0:
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, ready
                time.sleep(0.05)
        finally:
            server.terminate()

    assert '"status":"ready"' in ready.output
    assert "Traceback" not in (tmp_path / "log").read_text()
