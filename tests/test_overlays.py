"""The template's own structure: a choice is a folder, and a file is what it is in the service."""

import re
from pathlib import Path

import pytest
import yaml

from extensions.proof.combinations import combinations, factors
from extensions.proof.conditions import conditions
from tests.overlays import OVERLAY, overlays

pytestmark = pytest.mark.render


def test_every_overlay_is_used_and_every_name_has_one(template: Path) -> None:
    computed = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    named = {name for name in computed if re.match(r"in_|without_", name)}
    assert overlays(template).keys() == named
    known = conditions(template, frozenset(factors(template)))
    rows = list(combinations(template))
    for name in named:
        assert {known.value(name, row) for row in rows} == {".", ""}, name


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
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {
        path.as_posix().removesuffix(".jinja")
        for path in paths
        if not OVERLAY.fullmatch(path.parts[0])
    }
