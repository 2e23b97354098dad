"""The page "Add a choice", performed: what it says makes a choice, and touches no other service."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extensions.commands.catalogue import Answers, questions
from extensions.commands.rendering import rendered
from extensions.proof.options_page import options_page
from extensions.proof.rendering import render
from tests.overlays import overlays
from tests.rendering import ROOT, differing

pytestmark = pytest.mark.docs

PAGE = ROOT / "docs" / "maintainers" / "add-a-choice.md"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
QUESTIONS = "copier.yml"
NAME = "exampledb"
WORD = re.compile(NAME, re.IGNORECASE)
OTHER = re.compile("postgres|asyncpg", re.IGNORECASE)
# What stands with it: each part that a database has a say in, and a service of the database alone.
SERVICES: dict[str, Answers] = {
    "full": {"preset": "full"},
    "without the example": {"preset": "full", "example_module": False},
    "alone": {"preset": "minimal", "docker": True},
    "with events": {"preset": "custom", "task_queue": "none", "storage": "none"},
}


def blocks() -> list[tuple[str, str]]:
    """Return path and text of each block that has a path, in the order of the page."""
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def add(text: str, difference: str) -> str:
    """Return `text` with the lines of `difference` that begin with a plus."""
    lines = difference.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if not line.startswith("+"))
    assert text.count(before) == 1, f"{QUESTIONS} does not have once:\n{before}"
    return text.replace(before, "".join(line[1:] for line in lines))


@pytest.fixture(scope="module")
def extended(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the template to which the choice has been added."""
    folder = tmp_path_factory.mktemp("extended") / "template"
    shutil.copytree(template, folder)
    for path, text in blocks():
        place = folder / path
        if path == QUESTIONS:
            place.write_text(add(place.read_text(encoding="utf-8"), text), encoding="utf-8")
        else:
            assert not place.exists(), path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    return folder


def test_it_is_three_lines_one_overlay_and_one_part() -> None:
    added = [
        line
        for path, text in blocks()
        if path == QUESTIONS
        for line in text.splitlines()
        if line.startswith("+")
    ]
    folders = {"/".join(path.split("/")[:2]) for path, _ in blocks() if path != QUESTIONS}
    assert len(added) <= 3
    assert folders == {f"template/{{{{ in_{NAME} }}}}", f"parts/{NAME}"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_with_it_is_clean_and_has_no_word_of_the_other(
    extended: Path, tmp_path: Path, name: str
) -> None:
    service = render(extended, tmp_path / "service", {**SERVICES[name], "database": NAME})
    for command in (["format", "--diff"], ["check", "--output-format", "concise"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=service,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    # The tests of what any database does are written in PostgreSQL's SQL still.
    texts = {
        path.relative_to(service).as_posix(): path.read_text(encoding="utf-8")
        for path in service.rglob("*")
        if path.is_file() and "tests" not in path.relative_to(service).parts[:1]
    }
    for path, text in texts.items():
        if path.endswith(".py"):
            ast.parse(text)
        elif path.endswith((".yaml", ".yml")):
            yaml.safe_load(text)
    assert {path for path, text in texts.items() if OTHER.search(path + text)} == set()
    brought = overlays(extended)[f"in_{NAME}"]
    assert all((service / path).is_file() for path in brought)
    assert WORD.search(texts[".env.example"])


@pytest.mark.parametrize("database", ["postgresql", "none"])
def test_a_service_without_it_is_what_it_was(template: Path, extended: Path, database: str) -> None:
    answers: Answers = {"preset": "full", "database": database}
    before, after = rendered(template, answers).files, rendered(extended, answers).files
    own = {".env.development", ".copier-answers.yml"}  # a random text, where the template is
    assert differing(before, after) <= own
    assert {path for path, text in after.items() if WORD.search(path + text.decode())} == set()


def test_the_page_of_options_offers_it(extended: Path) -> None:
    asked = {question.name: question.choices for question in questions(extended)}
    assert NAME in asked["database"]
    page = options_page(extended)
    assert f"| `{NAME}` | ExampleDB |" in page
    assert f"`database={NAME}` brings:" in page
