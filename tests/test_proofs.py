"""What the tiers saw is kept for the certificate, and only where that was asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from extensions.proof.proofs import (
    CHANGED,
    cache_folder,
    commit_of,
    has_passed,
    keep,
    kept,
    note_passed,
)
from tests.rendering import ROOT, git

COMMIT = "a" * 40


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit."""
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    (repository / "file").write_text("1")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "The first")
    return repository


def test_numbers_add_up_and_texts_are_replaced(tmp_path: Path) -> None:
    keep(tmp_path, "render", COMMIT, {"combinations": 2, "python": "3.11"})
    keep(tmp_path, "render", COMMIT, {"combinations": 3, "python": "3.12", "files": 1})
    assert kept(tmp_path, "render", COMMIT) == {
        "combinations": 5,
        "commit": COMMIT,
        "files": 1,
        "python": "3.12",
    }


def test_lists_go_on_without_doubles(tmp_path: Path) -> None:
    keep(tmp_path, "update", COMMIT, {"releases": ["0.1.0"]})
    keep(tmp_path, "update", COMMIT, {"releases": ["0.1.0", "0.2.0"]})
    assert kept(tmp_path, "update", COMMIT)["releases"] == ["0.1.0", "0.2.0"]


def test_what_is_run_again_under_one_name_counts_once(tmp_path: Path) -> None:
    keep(tmp_path, "run", COMMIT, {"rows": {"a": {"tests": 1}, "b": {"tests": 2}}})
    keep(tmp_path, "run", COMMIT, {"rows": {"b": {"tests": 3}}})
    assert kept(tmp_path, "run", COMMIT)["rows"] == {"a": {"tests": 1}, "b": {"tests": 3}}


def test_tiers_do_not_mix(tmp_path: Path) -> None:
    keep(tmp_path, "render", COMMIT, {"files": 1})
    keep(tmp_path, "types", COMMIT, {"files": 2})
    assert kept(tmp_path, "render", COMMIT)["files"] == 1


def test_what_was_seen_of_another_commit_is_forgotten(tmp_path: Path) -> None:
    keep(tmp_path, "render", COMMIT, {"files": 1, "combinations": 1})
    assert kept(tmp_path, "render", "b" * 40) == {}
    keep(tmp_path, "render", "b" * 40, {"files": 2})
    assert kept(tmp_path, "render", "b" * 40) == {"commit": "b" * 40, "files": 2}


@pytest.mark.parametrize("name", ["file", "new"])
def test_a_work_tree_with_changes_is_not_taken_for_its_commit(repository: Path, name: str) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert commit_of(repository) == commit
    (repository / name).write_text("2")
    assert commit_of(repository) == commit + CHANGED


def test_nothing_is_written_without_being_asked_for(
    tmp_path: Path,
    proof: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROOF_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    proof("render", files=1)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("PROOF_DIR", "proof")
    proof("render", files=1)
    assert [path.name for path in (tmp_path / "proof").iterdir()] == ["render.json"]


def test_a_tier_that_has_passed_is_noted_for_its_commit_alone(tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    assert not has_passed(folder, "fuzz", COMMIT)
    note_passed(folder, "fuzz", COMMIT)
    assert has_passed(folder, "fuzz", COMMIT)
    assert not has_passed(folder, "fuzz", "b" * 40)
    assert not has_passed(folder, "chaos", COMMIT)


def test_what_passes_is_kept_outside_the_work_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder(COMMIT).is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder(COMMIT).is_relative_to(Path.home())
    assert not cache_folder(COMMIT).is_relative_to(ROOT)
