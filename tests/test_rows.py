"""Which rows the run tier has, how they are chosen, and what a person sees of them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from extensions.commands.catalogue import UnknownAnswerError, everything_off, parts
from extensions.proof.proofs import CHANGED
from tests.rendering import ROOT, git
from tests.rows import read, rows_of, written

# As tests/test_run.py does it, with rows that take no time.
CONFTEST = """
from pathlib import Path

import tests.proof
from tests.progress import Progress
from tests.rows import add_options
from tests.sampling import add_option

tests.proof.ROOT = Path(__file__).parent  # which stays at its commit, whatever a person commits

def pytest_addoption(parser):
    add_options(parser)
    add_option(parser)

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config))
"""
ROWS = """
import subprocess

import pytest
from tests.rows import selection

def pytest_generate_tests(metafunc):
    metafunc.parametrize("row", selection(metafunc.config).rows, ids=str, scope="module")

STARTED = []

def test_it_starts(row, record_property):
    STARTED.append(row)
    record_property("tests", 3)

def test_it_works(row):
    assert row in STARTED, "another process took a part of the row"
    assert row != "docker=no"
    if row == "project_name=moved":
        commit = ["git", "commit", "--quiet", "--allow-empty", "--message", "The second"]
        subprocess.run(commit, check=True)
"""
FOUR = ["--row=preset=full", "--row=docker=no", "--row=database=none ci=none", "--row=auth=jwt"]


def run_rows(folder: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """Return what was said, and which rows were kept as passed."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "The first")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests/test_run.py").write_text(ROWS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests", *options],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PROOF_DIR": str(folder / "proof"),
            "PYTHONPATH": str(ROOT),
        },
    )
    kept = folder / "proof/run.json"
    return done.stdout + done.stderr, json.loads(kept.read_text())["rows"] if kept.exists() else {}


@pytest.mark.parametrize("strength", [2, 3])
def test_the_presets_and_the_empty_service_are_among_the_rows(strength: int) -> None:
    rows = rows_of(strength)
    assert len(set(rows)) == len(rows)
    assert {"preset=standard", "preset=minimal", "preset=full"} <= set(rows)
    empty = parts(ROOT, everything_off(ROOT))
    assert empty in [parts(ROOT, read(row)) for row in rows]


def test_a_row_is_written_as_it_is_read() -> None:
    for row in rows_of(2):
        assert written(read(row)) == row
    assert written(read("project_name='My own' docker=no")) == "'project_name=My own' docker=no"


@pytest.mark.parametrize("text", ["databse=none", "database=oracle", "docker"])
def test_a_mistyped_answer_is_refused(text: str) -> None:
    with pytest.raises(UnknownAnswerError):
        read(text)


@pytest.mark.parametrize("processes", ["0", "2"])
def test_rows_are_told_and_what_passed_is_kept(processes: str, tmp_path: Path) -> None:
    said, kept = run_rows(tmp_path, *FOUR, "--numprocesses", processes)
    assert re.search(r"preset=full starts \| \d of 4 done", said)
    assert said.index("assert 'docker=no' != 'docker=no'") < said.index("docker=no FAILED after")
    assert re.search(r"docker=no FAILED after \d+ s in test_it_works \| ", said)
    assert re.search(r"auth=jwt passed in \d+ s \| ", said)
    assert "| 4 of 4 done, 0 waiting\n" in said
    assert said.count("uv run nox -s run -- docker=no\n") == 2  # when it failed, and in the end
    assert kept.keys() == {"preset=full", "database=none ci=none", "auth=jwt"}
    assert all(row["tests"] == 3 and row["versions"] == "locked" for row in kept.values())


def test_what_has_passed_is_not_run_again_on_request(tmp_path: Path) -> None:
    run_rows(tmp_path, *FOUR)
    said, _ = run_rows(tmp_path, *FOUR, "--resume")
    assert "docker=no starts | 0 of 1 done" in said
    assert "preset=full" not in said


def test_a_row_of_which_a_part_ran_is_not_kept(tmp_path: Path) -> None:
    said, kept = run_rows(tmp_path, *FOUR, "-k", "starts")
    assert "preset=full passed" in said
    assert kept == {}


def test_how_a_row_ran_belongs_to_its_name(tmp_path: Path) -> None:
    options = ["--python", "3.13", "--versions", "newest"]
    said, kept = run_rows(tmp_path, "--row=auth=jwt", "--row=docker=no", *options)
    assert list(kept) == ["auth=jwt --python 3.13 --versions newest"]
    assert "uv run nox -s run -- docker=no --python 3.13 --versions newest\n" in said


def test_a_commit_in_between_does_not_get_the_proof_of_another(tmp_path: Path) -> None:
    run_rows(tmp_path, "--row=project_name=moved")
    figures = json.loads((tmp_path / "proof/run.json").read_text())
    first = git(tmp_path, "rev-parse", "HEAD~1").strip()
    assert figures["commit"] == first + CHANGED


def test_a_share_of_the_rows_can_be_run(tmp_path: Path) -> None:
    said, kept = run_rows(tmp_path, *FOUR, "--shard", "1/2")
    assert list(kept) == ["database=none ci=none", "preset=full"]
    said, _ = run_rows(tmp_path, *FOUR, "--shard", "3/2")
    assert "A share is such as 1/4, not 3/2." in said


def test_a_row_that_nobody_can_answer_is_refused_in_a_sentence(tmp_path: Path) -> None:
    said, _ = run_rows(tmp_path, "--row=databse=none")
    assert "databse is not asked; there are preset, " in said
    assert "Traceback" not in said


def test_who_asks_for_a_row_gets_that_row_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests", "-m", "run", "-q", "--co", "--row=docker=no"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert collected
    assert all(line.endswith("[docker=no]") for line in collected), done.stdout
