"""What was not chosen leaves nothing behind; what was chosen is there."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.capabilities import CAPABILITIES
from tests.matrix import Combination, Matrix

pytestmark = pytest.mark.render

# These answers are recorded by their questions' names, whatever they are.
RECORDS = frozenset({".copier-answers.yml"})
LEFT_OUT = re.compile(r"{% if not (\w+)(?: \| default\(\w+\))? %}\n(.*?){% endif %}", re.DOTALL)
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


def left_out(template: Path) -> dict[str, list[str]]:
    """Return, by the computed value that brings them, the paths of copier.yml's `_exclude`."""
    entries = yaml.safe_load((template / "copier.yml").read_text())["_exclude"]
    found: dict[str, list[str]] = {}
    for entry in entries:
        for flag, paths in LEFT_OUT.findall(entry):
            found.setdefault(flag, []).extend(path.strip("/ ") for path in paths.split())
    return found


WITH_FILES = [name for name, capability in CAPABILITIES.items() if capability.flag]


@pytest.mark.parametrize("capability", WITH_FILES)
def test_its_files_are_there_with_it_alone(template: Path, matrix: Matrix, capability: str) -> None:
    chosen = CAPABILITIES[capability]
    paths = left_out(template)[chosen.flag or ""]
    assert paths
    seen = set()
    for service in matrix.services:
        there = {path for path in paths if is_there(path, service.digests)}
        if chosen.is_chosen(service.answers):
            seen |= there
        else:
            assert not there, service
    assert seen == set(paths), f"{set(paths) - seen} is listed, and no service has it"


def is_there(path: str, paths: Collection[str]) -> bool:
    return path in paths or any(name.startswith(f"{path}/") for name in paths)


@pytest.mark.parametrize("capability", WITH_FILES)
def test_a_file_that_is_left_behind_is_seen_by_its_words(
    template: Path, matrix: Matrix, capability: str
) -> None:
    """So a file that nobody lists, or lists under another capability, does not pass unseen."""
    chosen = CAPABILITIES[capability]
    listed = left_out(template)[chosen.flag or ""]
    places = mentions(matrix, chosen.words)
    unseen = {
        path
        for service in matrix.services
        for path, digest in service.digests.items()
        if matrix.contents[digest].strip() and (path, digest) not in places
        if any(is_there(folder, [path]) for folder in listed)
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


def test_every_path_that_is_left_out_belongs_to_a_capability(template: Path) -> None:
    flags = {capability.flag for capability in CAPABILITIES.values()}
    assert left_out(template).keys() - flags == {"has_tables"}, "a mixture of two, see below"


def test_a_service_has_revisions_where_it_has_tables(matrix: Matrix) -> None:
    for service in matrix.services:
        has_tables = service.answers["database"] != "none" and (
            service.answers["example_module"] or "nats" in service.answers.values()
        )
        found = any(fnmatch(path, "migrations/versions/*.py") for path in service.digests)
        assert found == bool(has_tables), service
