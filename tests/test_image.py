"""The container files, without a container engine: what they would copy, run and connect."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.images import copied, install
from tests.matrix import Combination, Matrix

VARIABLE = re.compile(r"\$\{(\w+)")


def text(matrix: Matrix, service: Combination, path: str) -> str:
    return matrix.contents[service.digests[path]].decode()


@pytest.mark.render
def test_the_image_takes_what_is_there_and_lets_it_in(matrix: Matrix) -> None:
    for service in matrix.services:
        if not service.answers["docker"]:
            continue
        let_in = text(matrix, service, ".dockerignore").splitlines()
        tops = {path.partition("/")[0] for path in service.digests}
        names = copied(text(matrix, service, "Dockerfile"))
        assert {"app", "pyproject.toml", "uv.lock"} <= set(names)
        for name in names:
            assert name in tops, f"{name}: {service}"
            assert {f"!{name}", f"!{name}/"} & set(let_in), f"{name}: {service}"


@pytest.mark.render
def test_the_service_can_read_what_was_made_under_any_umask(
    repository: Path, tmp_path: Path
) -> None:
    service, image = tmp_path / "service", tmp_path / "image"
    copy = ["copier", "copy", "--quiet", "--defaults", str(repository), str(service)]
    subprocess.run(copy, check=True, umask=0o077)
    image.mkdir()
    dockerfile = (service / "Dockerfile").read_text()
    *_, final = dockerfile.split("\nFROM ")
    subprocess.run(["cp", "-R", *copied(final), str(image)], cwd=service, check=True)  # as COPY
    for command in re.findall(r"^RUN (chmod .+?)(?: &&|$)", final, re.MULTILINE):
        subprocess.run(command.split(), cwd=image, check=True)
    paths = list(image.rglob("*"))
    assert {"app", "migrations", "alembic.ini"} <= {path.name for path in paths}
    wanted = {path: 0o005 if path.is_dir() else 0o004 for path in paths}
    unreadable = [path for path in paths if path.stat().st_mode & wanted[path] != wanted[path]]
    assert unreadable == []


@pytest.mark.render
def test_the_image_runs_as_a_user_who_is_not_root(matrix: Matrix) -> None:
    for service in matrix.services:
        if service.answers["docker"]:
            *_, user = re.findall(r"^USER (\S+)$", text(matrix, service, "Dockerfile"), re.M)
            assert user.isdecimal(), service  # Kubernetes' runAsNonRoot looks at numbers alone
            assert int(user) > 0, service


@pytest.mark.render
def test_compose_connects_what_is_there_and_sets_what_is_read(matrix: Matrix) -> None:
    for service in matrix.services:
        if not service.answers["docker"]:
            continue
        compose: dict[str, Any] = yaml.safe_load(text(matrix, service, "compose.yaml"))
        known = text(matrix, service, ".env.example")
        ports = compose["services"]["api"]["ports"]
        volumes = set()
        for part in compose["services"].values():
            assert set(part.get("depends_on", ())) <= compose["services"].keys(), service
            volumes |= {volume.partition(":")[0] for volume in part.get("volumes", ())}
            assert all(port.startswith("127.0.0.1:") for port in part.get("ports", ())), service
        assert volumes == set(compose.get("volumes") or ()), service
        for name in ("api", "worker", "setup"):
            if program := compose["services"].get(name):
                theirs = [{"path": ".env.production", "required": False}]
                assert program.get("env_file") == theirs, service
                fixed = program["environment"]  # whatever that file says
                assert fixed.get("API_HOST") == "0.0.0.0", service  # noqa: S104 (in a container)
                assert f":{fixed.get('API_PORT')}" in str(ports), service
        for name in compose["services"]["api"]["environment"]:
            assert re.search(rf"(?m)^(# )?{name}=", known), f"{name}: {service}"
        for name in VARIABLE.findall(text(matrix, service, "compose.yaml")):
            assert re.search(rf"(?m)^(# )?{name}=", known), f"{name}: {service}"
        for path in (".env.example", "compose.yaml", "Dockerfile"):
            assert not re.search(r"(?i)password: *[\w-]+$", text(matrix, service, path)), service


@pytest.mark.run
def test_what_the_image_has_can_run(full_environment: Path, tmp_path: Path) -> None:
    install(full_environment, tmp_path)
    python = tmp_path / ".venv/bin/python"
    help_text = subprocess.run(
        [python, "-m", "app", "--help"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    commands = yaml.safe_load((full_environment / "compose.yaml").read_text())["services"]
    for name in ("serve", "worker", "health", *re.findall(r"app (\w+)", str(commands["setup"]))):
        assert name in help_text
    assert not list(tmp_path.glob(".venv/lib/python*/site-packages/pytest")), "development tools"


@pytest.mark.run
def test_the_container_health_check_imports_no_framework(
    full_environment: Path, tmp_path: Path
) -> None:
    address = "postgresql://service@database/service"
    asked = subprocess.run(
        [full_environment / ".venv/bin/python", "-X", "importtime", "-m", "app", "health", "live"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(full_environment), "DATABASE_URL": address},
        check=False,
        capture_output=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in asked.stderr.splitlines()}
    assert "app.checks.health" in imported, asked
    assert not imported & {"alembic", "fastapi", "nats", "sqlalchemy"}
