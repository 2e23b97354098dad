"""What was not chosen leaves nothing behind; what was chosen is there."""

import re
import tomllib
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.capabilities import CAPABILITIES
from tests.matrix import Combination, Matrix
from tests.overlays import overlays

pytestmark = pytest.mark.render

# The answers are recorded by their questions' names, whatever they are. The lock has hashes, and
# what packages need of each other; tests/test_lock.py shows that it has nothing else.
RECORDS = frozenset({".copier-answers.yml", "uv.lock"})
VARIABLE = re.compile(r"(?m)^(?:# )?([A-Z][A-Z0-9_]*)=")


def mentions(matrix: Matrix, pattern: str) -> dict[tuple[str, str], str]:
    """Return, by path and digest, the first place of each file that says `pattern`."""
    words = re.compile(pattern)
    places = {}
    for path, digest in {pair for service in matrix.services for pair in service.digests.items()}:
        if path in RECORDS:
            continue
        lines = [path, *matrix.contents[digest].decode().splitlines()]
        for number, line in enumerate(lines):
            if words.search(line):
                places[path, digest] = f"{path}:{number}: {line.strip()}"
                break
    return places


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_what_was_not_chosen_leaves_no_word_behind(matrix: Matrix, capability: str) -> None:
    places = mentions(matrix, CAPABILITIES[capability].words)
    left = {
        places[pair]
        for service in matrix.services
        if not CAPABILITIES[capability].is_chosen(service.answers)
        for pair in service.digests.items()
        if pair in places
    }
    assert sorted(left) == []


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_what_was_chosen_is_there(matrix: Matrix, capability: str) -> None:
    places = mentions(matrix, CAPABILITIES[capability].words)
    for service in matrix.services:
        if CAPABILITIES[capability].is_chosen(service.answers):
            assert any(pair in places for pair in service.digests.items()), service


def brought_alone(template: Path, overlay: str) -> set[str]:
    """Return the paths of `overlay` that no other one brings instead."""
    brought = overlays(template)
    others = {path for name, paths in brought.items() if name != overlay for path in paths}
    return set(brought[overlay]) - others


WITH_FILES = [name for name, capability in CAPABILITIES.items() if capability.overlay]


@pytest.mark.parametrize("capability", WITH_FILES)
def test_its_files_are_there_with_it_alone(template: Path, matrix: Matrix, capability: str) -> None:
    chosen = CAPABILITIES[capability]
    paths = brought_alone(template, chosen.overlay or "")
    seen = set()
    for service in matrix.services:
        there = paths & service.digests.keys()
        if chosen.is_chosen(service.answers):
            seen |= there
        else:
            assert not there, service
    assert seen == paths, f"{paths - seen} is in {chosen.overlay}, and no service has it"


@pytest.mark.parametrize("capability", WITH_FILES)
def test_a_file_that_is_left_behind_is_seen_by_its_words(
    template: Path, matrix: Matrix, capability: str
) -> None:
    """So a file that stands in no overlay, or in that of another capability, is seen."""
    chosen = CAPABILITIES[capability]
    places = mentions(matrix, chosen.words)
    own = brought_alone(template, chosen.overlay or "")
    unseen = {
        path
        for service in matrix.services
        for path, digest in service.digests.items()
        if path in own and matrix.contents[digest].strip() and (path, digest) not in places
    }
    assert sorted(unseen) == []


def packages(matrix: Matrix, service: Combination) -> set[str]:
    project = tomllib.loads(matrix.text(service, "pyproject.toml"))
    needs = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return {re.split(r"[^\w.-]", need)[0] for need in needs}


def variables(matrix: Matrix, service: Combination) -> set[str]:
    return set(VARIABLE.findall(matrix.text(service, ".env.example")))


PACKAGES = {
    name: "|".join(map(re.escape, capability.packages))
    for name, capability in CAPABILITIES.items()
    if capability.packages
}
VARIABLES = {
    name: capability.variables for name, capability in CAPABILITIES.items() if capability.variables
}


@pytest.mark.parametrize(
    ("found", "patterns"),
    [
        pytest.param(packages, PACKAGES, id="packages"),
        pytest.param(variables, VARIABLES, id="variables"),
    ],
)
def test_each_is_there_with_its_capability_alone(
    matrix: Matrix,
    found: Callable[[Matrix, Combination], set[str]],
    patterns: Mapping[str, str],
) -> None:
    each = {service: found(matrix, service) for service in matrix.services}
    names = set().union(*each.values())
    own = {
        capability: {name for name in names if re.fullmatch(pattern, name)}
        for capability, pattern in patterns.items()
    }
    for name in names:
        owners = [capability for capability in own if name in own[capability]]
        everywhere = all(name in there for there in each.values())
        assert len(owners) == 1 or (everywhere and not owners), f"{name} belongs to {owners}"
    for service, there in each.items():
        chosen = {name for name in own if CAPABILITIES[name].is_chosen(service.answers)}
        for capability in own:
            due = own[capability] if capability in chosen else set()
            assert there & own[capability] == due, f"{capability}: {service}"
            assert due or capability not in chosen, f"nothing for {capability}: {service}"


def test_every_listed_package_is_one_that_a_service_has(matrix: Matrix) -> None:
    installed = set().union(*(packages(matrix, service) for service in matrix.services))
    for capability in CAPABILITIES.values():
        if any(capability.is_chosen(service.answers) for service in matrix.services):
            assert capability.packages <= installed


def test_a_service_has_revisions_where_it_has_tables(matrix: Matrix) -> None:
    for service in matrix.services:
        has_tables = service.answers["database"] != "none" and (
            service.answers["example_module"] or "nats" in service.answers.values()
        )
        found = any(fnmatch(path, "migrations/versions/*.py") for path in service.digests)
        assert found == bool(has_tables), service
