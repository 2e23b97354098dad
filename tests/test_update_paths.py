"""What one release has and the next does not: an update deletes it, so people must be told."""

import functools
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from copier._main import Worker

from extensions.commands.catalogue import CUSTOM, Answers, parts, questions
from extensions.commands.releases import recorded, unpack
from extensions.proof.combinations import combinations
from extensions.proof.releases import MOVED, UNRELEASED, changes
from extensions.proof.rendering import files, render
from tests.processes import side_by_side
from tests.rendering import ROOT

pytestmark = pytest.mark.update

VERSIONS = [*(release.version for release in recorded(ROOT)), UNRELEASED]


class Templates(NamedTuple):
    """A release of the template and the next one, unpacked."""

    older: Path
    newer: Path
    version: str  # of the newer, as the changelog calls it


@pytest.fixture(scope="module")
def unpacked(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    releases = {each.version: unpack(each, folder / each.version) for each in recorded(ROOT)}
    return {**releases, UNRELEASED: template}


@pytest.fixture(params=pairwise(VERSIONS), ids=" to ".join)
def templates(request: pytest.FixtureRequest, unpacked: dict[str, Path]) -> Templates:
    older, newer = request.param
    return Templates(unpacked[older], unpacked[newer], newer)


def test_a_path_that_vanishes_is_named_in_the_changelog(templates: Templates) -> None:
    """In whatever combination of answers it does."""
    vanished: dict[str, Answers] = {}
    services = list(combinations(templates.older))
    gone = side_by_side(functools.partial(paths_gone, templates), services, at_once=16)
    for answers, paths in zip(services, gone, strict=True):
        vanished |= dict.fromkeys(paths, answers)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    named = changes(changelog)[templates.version].partition(MOVED)[2]
    untold = {path: answers for path, answers in vanished.items() if f"`{path}`" not in named}
    assert not untold, (
        f"Write under {templates.version}, {MOVED!r}, of CHANGELOG.md where these went, for an "
        "update deletes them with what people wrote there:\n"
        + "\n".join(f"- `{path}`: …    (with {untold[path]})" for path in sorted(untold))
    )


class Paths(Worker):
    """Copier, but it only notes which files it would write."""

    def _render_template(self) -> None:
        root = self.template_copy_root
        sources = [path.relative_to(root) for path in files_below(root)]
        rendered = (path for source in sources for path, _ in self._render_path(source))
        vars(self)["paths"] = {
            path.as_posix()
            for path in rendered
            if not any(map(self.match_exclude, (path, *path.parents)))
        }


@functools.cache
def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def paths_gone(templates: Templates, answers: Answers) -> set[str]:
    """Return the paths that the older release writes with `answers` and the newer does not."""
    return paths_of(templates.older, answers) - paths_of(templates.newer, answers)


def paths_of(template: Path, answers: Answers) -> set[str]:
    data = {"preset": CUSTOM, **answers}
    with tempfile.TemporaryDirectory() as folder:
        with Paths(str(template), Path(folder), data=data, defaults=True, quiet=True) as worker:
            worker.run_copy()
        paths: set[str] = vars(worker)["paths"]
        return paths


@pytest.mark.parametrize("preset", ["full", "minimal"])
def test_the_paths_are_those_that_copier_writes(
    preset: str, template: Path, tmp_path: Path
) -> None:
    answers = parts(template, {"preset": preset})
    assert paths_of(template, answers) == files(render(template, tmp_path, answers)).keys()


def test_no_question_of_a_release_is_gone(templates: Templates) -> None:
    """Answers are recorded in services: one that nobody asks for is one that nobody heeds."""
    asked = {question.name for question in questions(templates.newer)}
    assert [each.name for each in questions(templates.older) if each.name not in asked] == []


def test_no_choice_of_a_release_is_gone(templates: Templates) -> None:
    offered = {question.name: question.choices for question in questions(templates.newer)}
    assert [
        (question.name, choice)
        for question in questions(templates.older)
        for choice in question.choices
        if choice not in offered.get(question.name, ())
    ] == []
