"""A certificate says what was seen of one commit, all of it passed; or there is none."""

import json
import shutil
from pathlib import Path

import pytest

from extensions.proof.certificate import (
    COUNTED,
    JSON,
    LOCKED,
    PAGE,
    CertificateError,
    certificate,
    missing,
    page,
    write,
)
from extensions.proof.combinations import array, factors
from extensions.proof.conditions import NOT_ASKED
from extensions.proof.covering import tuples_of
from extensions.proof.proofs import Figures, commit_of, keep
from tests.rendering import ROOT, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with what a certificate is made of, at one commit."""
    repository = tmp_path / "repository"
    (repository / "docs").mkdir(parents=True)
    for name in ("copier.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, repository)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "The template")
    return repository


@pytest.fixture
def proofs(repository: Path, tmp_path: Path) -> Path:
    """Return the proofs of tiers that all passed at that commit."""
    folder = tmp_path / "proofs"
    for tier in COUNTED:
        passed(repository, folder, tier)
    keep(folder, "run", commit_of(repository), {"rows": rows(repository)})
    return folder


def passed(repository: Path, folder: Path, tier: str) -> None:
    figures = {**dict.fromkeys(COUNTED[tier], 7), "seconds": 1}
    keep(folder, tier, commit_of(repository), figures)


def rows(repository: Path) -> dict[str, Figures]:
    """Return what is kept of a 2-way array that ran."""
    return {
        f"row-{number}": {
            "answers": answers,
            "python": "3.11.7",
            "seconds": 60,
            "servers": ["PostgreSQL 18.6"],
            "tests": 100,
            "versions": LOCKED,
        }
        for number, answers in enumerate(array(repository, 2))
    }


def test_it_counts_what_ran(repository: Path, proofs: Path) -> None:
    made = certificate(repository, [proofs])
    ran = rows(repository)
    assert made["template"]["commit"] == git(repository, "rev-parse", "HEAD").strip()
    assert made["servers"] == ["PostgreSQL 18.6"]
    assert made["run"]["tests"] == 100 * len(ran)
    assert made["run"]["pairs"]["executed"] == made["run"]["pairs"]["feasible"]
    assert 0 < made["run"]["triples"]["executed"] < made["run"]["triples"]["feasible"]


def test_shares_of_the_rows_are_put_together(repository: Path, tmp_path: Path) -> None:
    ran = list(rows(repository).items())
    shares = [tmp_path / "a", tmp_path / "b"]
    for tier in COUNTED:
        passed(repository, shares[0], tier)
    for folder, share in zip(shares, (ran[::2], ran[1::2]), strict=True):
        keep(folder, "run", commit_of(repository), {"rows": dict(share)})
    with pytest.raises(CertificateError, match="not passed in all rows"):
        certificate(repository, shares[:1])
    assert certificate(repository, shares)["run"]["rows"] == dict(ran)


@pytest.mark.parametrize("tier", COUNTED)
def test_without_a_tier_there_is_none(repository: Path, proofs: Path, tier: str) -> None:
    assert missing(repository, proofs) == []
    (proofs / f"{tier}.json").unlink()
    keep(proofs, tier, commit_of(repository), dict.fromkeys(COUNTED[tier], 7))  # then it failed
    with pytest.raises(CertificateError, match=f"The tier {tier} has not passed"):
        write(repository, [proofs])
    assert not (repository / PAGE).exists()
    assert missing(repository, proofs) == [tier]


def test_a_tier_that_saw_nothing_has_not_passed(repository: Path, proofs: Path) -> None:
    (proofs / "render.json").unlink()
    keep(proofs, "render", commit_of(repository), {"combinations": 0, "files": 7, "seconds": 1})
    assert missing(repository, proofs) == ["render"]


def test_rows_with_other_packages_do_not_count(repository: Path, proofs: Path) -> None:
    ran = rows(repository)
    ran["row-0"]["versions"] = "newest"
    keep(proofs, "run", commit_of(repository), {"rows": ran})
    with pytest.raises(CertificateError, match="not passed in all rows"):
        certificate(repository, [proofs])


def test_a_work_tree_with_changes_gets_none(repository: Path, proofs: Path) -> None:
    (repository / "copier.yml").write_text("")
    with pytest.raises(CertificateError, match="commit your changes"):
        certificate(repository, [proofs])


def test_another_commit_gets_none(repository: Path, proofs: Path) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Another")
    with pytest.raises(CertificateError, match="has not passed at this commit"):
        certificate(repository, [proofs])


def test_the_page_says_what_the_json_says(repository: Path, proofs: Path) -> None:
    write(repository, [proofs])
    made = json.loads((repository / JSON).read_text())
    text = (repository / PAGE).read_text()
    assert text == page(made)
    assert made["template"]["commit"] in text
    assert f"| services installed and run | {len(made['run']['rows'])} |" in text


@pytest.fixture
def published() -> Figures:
    """Return the certificate in docs/."""
    if not (ROOT / JSON).exists():
        pytest.skip("no certificate has been written yet")
    made: Figures = json.loads((ROOT / JSON).read_text())
    return made


def test_the_published_page_is_written_from_the_published_figures(published: Figures) -> None:
    assert (ROOT / PAGE).read_text() == page(published)


def test_the_published_figures_agree_with_each_other(published: Figures) -> None:
    run = published["run"]
    assert run["tests"] == sum(row["tests"] for row in run["rows"].values())
    names = {name for row in run["rows"].values() for name in row["answers"]}
    ran = [
        {name: row["answers"].get(name, NOT_ASKED) for name in names}
        for row in run["rows"].values()
        if row["versions"] == LOCKED
    ]
    assert len(tuples_of(ran, 2)) == run["pairs"]["executed"] == run["pairs"]["feasible"]
    if names == set(factors(ROOT)):  # the questions are still the same
        assert len(tuples_of(ran, 3)) == run["triples"]["executed"] <= run["triples"]["feasible"]


def test_the_published_certificate_is_of_a_commit_that_exists(published: Figures) -> None:
    if git(ROOT, "rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone does not have the commits of before")
    kind = git(ROOT, "cat-file", "-t", published["template"]["commit"]).strip()
    assert kind == "commit"
