"""What a service says of itself is true: its commands, paths, variables, links, containers."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator

import pytest
import yaml

from extensions.commands.catalogue import Answers
from tests.matrix import Combination, Matrix

pytestmark = pytest.mark.render

PATH = re.compile(r"(?<![\w./-])(?:app|devstack|migrations|scripts|tests)/(?:[\w.-]+/?)*")
# What a person makes: the README says how.
OWN_FEATURE = re.compile(r"(app|tests)/features/order\b|tests/features/?$|migrations/versions/")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"(?m)^(?:# )?([A-Z][A-Z0-9_]*)=")


def slug(matrix: Matrix, service: Combination) -> str:
    project = tomllib.loads(matrix.text(service, "pyproject.toml"))["project"]
    name: str = project["name"]
    return name


def commands(matrix: Matrix, service: Combination) -> set[str]:
    """Return the names of the commands that are defined in `app/cli.py` and `app/commands/`."""
    modules = [
        path for path in service.digests if re.fullmatch(r"app/(cli|commands/\w+)\.py", path)
    ]
    return {name for path in modules for name in _defined(matrix.text(service, path))}


def _defined(source: str) -> set[str]:
    return {
        _command(call, node.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "command"
    }


def _command(call: ast.Call, function: str) -> str:
    if call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value)
    return function.replace("_", "-")


def distinct(matrix: Matrix, *paths: str) -> Iterator[Combination]:
    """Yield a service for each variant of `paths` taken together, where it has them all."""
    seen = set()
    for service in matrix.services:
        key = tuple(service.digests.get(path) for path in paths)
        if None not in key and key not in seen:
            seen.add(key)
            yield service


def test_the_readme_lists_the_commands_that_there_are(every_service: Matrix) -> None:
    for service in distinct(every_service, "README.md", "app/cli.py"):
        table = every_service.text(service, "README.md").partition("\n## Commands\n")[2]
        listed = re.findall(r"(?m)^\| `([a-z-]+)` \|", table.partition("\n## ")[0])
        known = commands(every_service, service)
        assert sorted(listed) == sorted(known), service


def test_every_command_that_is_named_is_there(every_service: Matrix) -> None:
    for service in every_service.services:
        name = slug(every_service, service)
        known = commands(every_service, service)
        called = re.compile(rf"(?:uv run {name}|`{name}|python -m app) ([a-z][a-z-]*)")
        for path in ("README.md", "compose.yaml", "Dockerfile", ".env.example"):
            if path in service.digests:
                wrong = set(called.findall(every_service.text(service, path))) - known
                assert not wrong, f"{path} names {wrong}: {service}"


def test_every_program_that_is_run_is_installed(every_service: Matrix) -> None:
    for service in distinct(every_service, "README.md", "pyproject.toml"):
        project = tomllib.loads(every_service.text(service, "pyproject.toml"))
        needs = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
        installed = {re.split(r"[^\w.-]", need)[0] for need in needs}
        installed |= project["project"]["scripts"].keys() | {"python"}
        for path in ("README.md", ".github/workflows/ci.yml"):
            if path in service.digests:
                text = every_service.text(service, path)
                run = set(re.findall(r"\buv run (?:--\S+ )*([\w-]+)", text))
                assert run <= installed, f"{path} runs {run - installed}: {service}"


def test_every_path_that_is_named_is_there(every_service: Matrix) -> None:
    named = {
        (path, digest): set(_named(every_service.contents[digest].decode()))
        for service in every_service.services
        for path, digest in service.digests.items()
    }
    missing = {
        f"{path} names {name}"
        for service in every_service.services
        for pair in service.digests.items()
        for path, name in ((pair[0], name) for name in named[pair])
        if not _is_there(name, service.digests)
    }
    assert sorted(missing) == []


def _named(text: str) -> Iterator[str]:
    for name in PATH.findall(text):
        if not OWN_FEATURE.match(name):
            yield name.rstrip("./")


def _is_there(name: str, paths: Iterable[str]) -> bool:
    return name in paths or any(path.startswith(f"{name}/") for path in paths)


def test_every_link_within_the_service_leads_somewhere(every_service: Matrix) -> None:
    for service in distinct(every_service, "README.md"):
        text = every_service.text(service, "README.md")
        headings = {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.+)$", text)
        }
        for link in LINK.findall(text):
            path, _, anchor = link.partition("#")
            if "://" not in link:
                assert not path or _is_there(path, service.digests), f"{link}: {service}"
                assert not anchor or anchor in headings, f"{link}: {service}"


def test_the_example_of_settings_has_each_variable_that_is_read(every_service: Matrix) -> None:
    for service in distinct(every_service, ".env.example", "app/core/config.py"):
        listed = VARIABLE.findall(every_service.text(service, ".env.example"))
        modules = [path for path in service.digests if path.startswith("app/core/settings/")]
        read = [
            field.target.id
            for path in modules
            for node in ast.parse(every_service.text(service, path)).body
            if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")
            for field in node.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        ]
        assert sorted(listed) == sorted(read), service


def test_compose_runs_what_was_chosen_and_nothing_else(matrix: Matrix) -> None:
    for service in matrix.services:
        if service.answers["docker"]:
            compose = yaml.safe_load(matrix.text(service, "compose.yaml"))
            assert set(compose["services"]) == chosen(service.answers), service


def chosen(answers: Answers) -> set[str]:
    """Return the containers of a service, said without the template's words."""
    uses_nats = "nats" in (answers["task_queue"], answers["events"])
    servers = {
        "postgres": answers["database"] == "postgresql",
        "nats": uses_nats,
        "storage": answers["storage"] == "s3",
    }
    programs = {"api": True, "worker": uses_nats, "setup": any(servers.values())}
    return {name for name, is_there in (programs | servers).items() if is_there}
