"""The documentation builds without a fault, loads nothing from elsewhere, and names what exists."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nox.registry
import pytest

import noxfile  # noqa: F401  # which registers the sessions
from extensions.commands.catalogue import questions
from extensions.commands.facts import facts
from extensions.proof.options_page import PAGE, options_page
from extensions.proof.rendering import files, render
from tests.rendering import ROOT

pytestmark = pytest.mark.docs

SESSIONS = nox.registry.get()
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
# `rel` of a link that a browser follows only when a person does.
NOT_LOADED = frozenset({"canonical", "next", "prev", "alternate"})
# A path in `code`: of this repository or of a service. The second part excludes and/or, 2/3 …
PATH = re.compile(r"`/?((?:[\w.-]+/)*[\w.-]+\.(?:md|py|toml|yml|yaml|lock)|(?:[\w.-]+/)+)`")
# Written by a command, or the reader's to name.
MADE = frozenset(
    {"site/", ".devstack/", "docs/certificate.json", "models.py", "__init__.py", "edit/"}
)
# The choice that maintainers/add-a-choice.md adds.
PATTERN = "exampledb"


class Assets(HTMLParser):
    """Collects the address of everything that a page loads by itself, and of what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag makes a browser load."""
        values = dict(attrs)
        address = values.get(LOADED.get(tag, ""))
        if address and not NOT_LOADED & set((values.get("rel") or "").split()):
            self.loaded.append(address)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """Return the site's configuration."""
    project: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    return project


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built anew and strictly: a broken link or anchor is an error."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def full_service(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service with every part."""
    return render(template, tmp_path_factory.mktemp("full") / "service", {"preset": "full"})


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        path = page.relative_to(ROOT / "docs").with_suffix("")
        folder = path.parent if path.name == "index" else path
        assert (site / folder / "index.html").is_file(), page


def test_every_page_is_in_the_navigation(config: dict[str, Any]) -> None:
    named = sorted(_leaves(config["nav"]))
    assert named == [page.relative_to(ROOT / "docs").as_posix() for page in PAGES]


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
        return
    for inner in entry.values() if isinstance(entry, dict) else entry:
        yield from _leaves(inner)


def test_the_page_of_options_is_what_copier_yml_says(template: Path) -> None:
    assert PAGE.read_text(encoding="utf-8") == options_page(template), "run `uv run nox -s docs`"


def test_the_page_of_options_says_under_which_condition_a_question_exists(tmp_path: Path) -> None:
    for folder in ("template", "parts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    question = """
        help: What maps tables to classes?
        choices: { SQLAlchemy 2: sqlalchemy, SQLModel: sqlmodel }
        default: sqlalchemy
        ask: "{{ preset == 'custom' }}"
        when: "{{ database != 'none' }}"
    """
    text = text.replace("task_queue:\n", f"orm:{question}\ntask_queue:\n", 1)
    (tmp_path / "copier.yml").write_text(text, encoding="utf-8")
    page = options_page(tmp_path)
    assert "| `sqlalchemy` (default) | SQLAlchemy 2 |" in page
    assert "The question exists only where `database != 'none'`." in page
    assert "| [`orm`](#orm) | `sqlalchemy` |  | `sqlalchemy` |" in page


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    foreign = set()
    for page in site.rglob("*.html"):
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        assert assets.loaded, page
        foreign |= {address for address in assets.loaded if urlsplit(address).netloc}
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        foreign |= set(re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", text))
    assert sorted(foreign) == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_every_link_within_the_repository_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)}
    inner = {target for target in targets if target and not urlsplit(target).scheme}
    assert {target for target in inner if not (ROOT / target).exists()} == set()


def test_every_session_that_is_named_exists() -> None:
    commands = {
        (page.name, name)
        for page in PAGES
        for line in re.findall(r"nox -s ((?:[a-z][\w-]* ?)+)", page.read_text())
        for name in re.findall(r"[\w-]+", line)
    }
    table = (ROOT / "docs/maintainers/tests.md").read_text().partition("| session |")[2]
    cells = re.findall(r"^\| (`.+?`) \|", table.partition("\n\n")[0], re.MULTILINE)
    listed = {("tests.md", name) for cell in cells for name in re.findall(r"\w+", cell)}
    assert commands
    assert listed
    assert {(page, name) for page, name in commands | listed if name not in SESSIONS} == set()


def test_every_command_that_is_named_exists() -> None:
    known = subprocess.run(
        [sys.executable, "-m", "extensions.commands", "--help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"fastapi-service-template ([a-z][a-z-]*)", page.read_text())
    }
    assert named
    assert {
        (page, name) for page, name in named if not re.search(rf"^ +{name}\b", known, re.M)
    } == (set())


def test_every_command_of_a_service_that_is_named_exists(full_service: Path) -> None:
    known = facts(files(full_service))["commands"]
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"uv run my-service [a-z][a-z-]*", page.read_text())
    }
    assert named
    assert {(page, name) for page, name in named if name not in known} == set()


def test_every_path_that_is_named_exists(full_service: Path) -> None:
    missing = set()
    named = {(page, path) for page in PAGES for path in PATH.findall(page.read_text())}
    assert len(named) > 50
    for page, path in named:
        places = (ROOT, ROOT / "template", full_service, *(ROOT / "parts").iterdir())
        if path in MADE or PATTERN in path:
            continue
        if not any((place / path).exists() for place in places):
            missing.add(f"{page.name}: {path}")
    assert sorted(missing) == []


def test_every_variable_that_is_named_exists(full_service: Path) -> None:
    text = b"".join(files(full_service / "app").values()).decode()
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", page.read_text())
    }
    assert named
    assert {(page, name) for page, name in named if not re.search(rf"\b{name}\b", text)} == set()


def test_every_answer_that_is_given_is_one(template: Path) -> None:
    known = {
        question.name: {str(one).lower() for one in question.choices}
        for question in questions(template)
    }
    given = {
        (page.name, *pair)
        for page in PAGES
        for pair in re.findall(r"-d ([a-z_]+)=(?!answer)([a-z0-9.-]+)", page.read_text())
    }
    assert given
    wrong = {
        (page, name, answer)
        for page, name, answer in given
        if name not in known or (known[name] and answer not in known[name])
    }
    assert wrong == {
        ("add-a-choice.md", "database", PATTERN),
        ("troubleshooting.md", "databse", "none"),  # shows what Copier does with such a name
    }
