"""What the tiers saw is kept for the certificate, and only where that was asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Proof = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "proof"
    monkeypatch.setenv("PROOF_DIR", str(folder))
    return folder


def test_numbers_add_up_and_texts_are_replaced(folder: Path, proof: Proof) -> None:
    proof("render", combinations=2, python="3.11")
    proof("render", combinations=3, python="3.12", files=1)
    assert json.loads((folder / "render.json").read_text()) == {
        "combinations": 5,
        "files": 1,
        "python": "3.12",
    }


def test_lists_go_on_without_doubles(folder: Path, proof: Proof) -> None:
    proof("update", releases=["0.1.0"])
    proof("update", releases=["0.1.0", "0.2.0"])
    assert json.loads((folder / "update.json").read_text()) == {"releases": ["0.1.0", "0.2.0"]}


def test_what_is_run_again_under_one_name_counts_once(folder: Path, proof: Proof) -> None:
    proof("run", rows={"a": {"tests": 1}, "b": {"tests": 2}})
    proof("run", rows={"b": {"tests": 3}})
    assert json.loads((folder / "run.json").read_text()) == {
        "rows": {"a": {"tests": 1}, "b": {"tests": 3}},
    }


def test_tiers_do_not_mix(folder: Path, proof: Proof) -> None:
    proof("render", files=1)
    proof("types", files=2)
    assert json.loads((folder / "render.json").read_text()) == {"files": 1}


def test_nothing_is_written_without_being_asked_for(
    tmp_path: Path,
    proof: Proof,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROOF_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    proof("render", files=1)
    assert list(tmp_path.iterdir()) == []
