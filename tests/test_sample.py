"""A sample of a long tier is the same for the same tree, has every choice, and takes turns."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.commands.catalogue import parts
from extensions.proof.sample import sample, tree_of
from tests.rendering import ROOT, git
from tests.rows import choices_of, rows_of

TREES = [hashlib.sha1(str(number).encode()).hexdigest() for number in range(80)]  # noqa: S324


def of_rows(tree: str) -> list[str]:
    return sample(rows_of(2), tree, choices=choices_of, at_least=3)


def test_every_choice_of_every_question_is_in_each_sample_of_few_rows() -> None:
    everything = {choice for row in rows_of(2) for choice in choices_of(row)}
    assert ("database", "none") in everything
    assert {name for name, _ in everything} == parts(ROOT, {"preset": "full"}).keys()
    for tree in TREES:
        rows = of_rows(tree)
        assert {choice for row in rows for choice in choices_of(row)} == everything
        assert len(rows) <= len(rows_of(2)) / 2


def test_the_same_tree_has_the_same_sample() -> None:
    assert of_rows(TREES[0]) == of_rows(TREES[0])
    backwards = sample(reversed(rows_of(2)), TREES[0], choices=choices_of, at_least=3)
    assert backwards == of_rows(TREES[0])


def test_every_row_has_its_turn() -> None:
    assert {row for tree in TREES for row in of_rows(tree)} == set(rows_of(2))


def test_so_many_are_taken_as_are_asked_for_and_no_more_than_there_are() -> None:
    assert len(sample("abcdef", TREES[0], at_least=3)) == 3
    assert sorted(sample("ab", TREES[0], at_least=3)) == ["a", "b"]
    assert sample([], TREES[0]) == []


def test_the_tree_is_that_of_the_files_that_are_committed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "One")
    tree = tree_of(tmp_path)
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "The same files")
    assert tree_of(tmp_path) == tree
    (tmp_path / "file").write_text("two")
    assert tree_of(tmp_path) == tree
    git(tmp_path, "commit", "--quiet", "--all", "--message", "Others")
    assert tree_of(tmp_path) != tree


@pytest.mark.parametrize("option", [[], ["--sample"]], ids=["all", "sample"])
def test_what_is_marked_runs_with_few_of_its_parameters(option: list[str], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.sampling import add_option as pytest_addoption\n"
        "from tests.sampling import select\n\n"
        "def pytest_collection_modifyitems(config, items):\n    select(config, items)\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n"
        '@pytest.mark.parametrize("each", ["a", "b", "c", "d"])\n'
        '@pytest.mark.sampled(1, always=("d",))\n'
        "def test_marked(each): ...\n\n"
        '@pytest.mark.parametrize("each", ["a", "b"])\n'
        "def test_other(each): ...\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *option],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin"},
    )
    found = {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line}
    assert {"test_marked[d]", "test_other[a]", "test_other[b]"} <= found
    assert len(found) in ((3, 4) if option else (6,))
