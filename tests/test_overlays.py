"""The template's own structure: a choice is a folder, and a file is what it is in the service."""

import re
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader

from extensions.commands.catalogue import CUSTOM, questions
from extensions.commands.rendering import rendered
from extensions.proof.combinations import array, combinations, factors
from extensions.proof.conditions import conditions
from tests.overlays import OVERLAY, overlays

pytestmark = pytest.mark.render

# The files that put parts together. All other Python is the same in every service that has it.
COMPOSED = frozenset(
    {
        *(f"app/{name}.py" for name in ("main", "api", "worker", "background", "cli")),
        *(f"app/{name}.py" for name in ("resources", "inspections", "lifespan", "core/config")),
        *("tests/conftest.py", "devstack/stack.py", "migrations/versions/0001_initial.py"),
    }
)
MOST_TAGS = 6
TAG = re.compile(r"\{%[-+]?\s*(?!end)\w|\{\{[^}]*\bif\b")
# Included by the answer to a question, not by a part that was chosen.
BY_ANSWER = frozenset({"licenses"})


def test_every_overlay_is_used_and_every_name_has_one(template: Path) -> None:
    computed = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    named = {name for name in computed if re.match(r"in_|without_", name)}
    assert overlays(template).keys() == named
    known = conditions(template, frozenset(factors(template)))
    rows = list(combinations(template))
    for name in named:
        assert {known.value(name, row) for row in rows} == {".", ""}, name


def test_every_part_is_used_and_every_name_has_one(template: Path) -> None:
    folders = {path.name for path in (template / "parts").iterdir() if path.is_dir()} - BY_ANSWER
    known = conditions(template, frozenset(factors(template)))
    rows = list(combinations(template))
    assert {name for row in rows for name in known.value("parts", row)} == folders


def test_every_file_of_a_part_is_included_by_a_service(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = set()
    get_source = FileSystemLoader.get_source

    def recorded(loader: FileSystemLoader, environment: Environment, name: str) -> object:
        found = get_source(loader, environment, name)
        loaded.add(name)
        return found

    monkeypatch.setattr(FileSystemLoader, "get_source", recorded)
    licenses = next(each for each in questions(template) if each.name == "license").choices
    for answers in array(template, 3):
        rendered(template, {"preset": CUSTOM, **answers})
    for license_ in licenses:
        rendered(template, {"preset": "minimal", "license": license_})
    there = {path.relative_to(template).as_posix() for path in files_in(template / "parts")}
    assert there - loaded == set()


def test_python_files_have_no_control_tags_but_those_that_put_parts_together(
    template: Path,
) -> None:
    folder = template / "template"
    tags = {
        path_in_service(path, folder): len(TAG.findall(path.read_text(encoding="utf-8")))
        for path in files_in(folder)
        if path.name.endswith((".py", ".py.jinja"))
    }
    with_tags = {path: number for path, number in tags.items() if number}
    assert with_tags.keys() <= COMPOSED
    assert {path: number for path, number in with_tags.items() if number > MOST_TAGS} == {}


def test_no_file_or_folder_name_has_a_condition(template: Path) -> None:
    names = [path.name for path in (template / "template").rglob("*")]
    assert [name for name in names if "{%" in name] == []


def test_nothing_is_left_out_by_a_list(template: Path) -> None:
    excluded = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))["_exclude"]
    assert [entry for entry in excluded if "{%" in entry and "_copier_operation" not in entry] == []


def test_two_overlays_never_bring_the_same_path(template: Path) -> None:
    brought = overlays(template)
    base = brought_by_base(template)
    known = conditions(template, frozenset(factors(template)))
    for row in combinations(template):
        paths = [path for name, of in brought.items() if known.value(name, row) for path in of]
        assert len(paths) == len(set(paths)), row
        assert not base & set(paths), row


def brought_by_base(template: Path) -> set[str]:
    """Return the paths that every service has."""
    folder = template / "template"
    return {
        path_in_service(path, folder)
        for path in files_in(folder)
        if not OVERLAY.fullmatch(path.relative_to(folder).parts[0])
    }


def files_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def path_in_service(path: Path, folder: Path) -> str:
    """Return where the file of `folder`, which may stand in an overlay, is in a service."""
    parts = path.relative_to(folder).parts
    inner = parts[1:] if OVERLAY.fullmatch(parts[0]) else parts
    return "/".join(inner).removesuffix(".jinja")
