"""`nox -s tests` and `nox -s proof`: what is begun, what is noted, and what they say in the end."""

from pathlib import Path
from typing import Any

import pytest

import noxfile
from extensions.proof.proofs import commit_of, has_passed
from tests.rendering import ROOT

LIGHT = [*noxfile.TIERS, noxfile.OTHERS]
ALONE = list(noxfile.ALONE)


class FailedError(Exception):
    """The session has failed."""


class Session:
    """What a session is to the tiers."""

    def __init__(self, *posargs: str) -> None:
        self.posargs = list(posargs)
        self.env: dict[str, str] = {}
        self.said: list[str] = []

    def log(self, text: str) -> None:
        """Keep what is said."""
        self.said.append(text)

    def error(self, text: str) -> None:
        """End with `text`."""
        raise FailedError(text)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """Return which tiers were begun, with their options."""
    begun: dict[str, tuple[str, ...]] = {}

    def run_tier(_: object, tier: str, *options: str) -> noxfile.Ended:
        begun[tier] = options
        return noxfile.Ended(tier, True, "ok")

    monkeypatch.setattr(noxfile, "run_tier", run_tier)
    return begun


def run(session: Any, *arguments: Any, **named: Any) -> None:
    noxfile.run_tiers(session, *arguments, **named)


def test_each_tier_says_how_it_ended_and_the_end_how_long_all_took(
    begun: dict[str, tuple[str, ...]],
) -> None:
    session = Session()
    run(session, [*LIGHT, *ALONE], "--sample", rows=["--strength", "3"])
    assert begun.keys() == {*LIGHT, *ALONE}
    assert begun["run"] == ("--sample", "--strength", "3")
    assert begun["fuzz"] == ("--sample",)
    assert {f"{tier}: ok" for tier in begun} <= {*session.said}
    assert session.said[-1].startswith("All of it took 0 min ")


def test_after_a_failure_nothing_begins_that_takes_the_whole_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        noxfile,
        "run_tier",
        lambda _, tier, *__: noxfile.Ended(tier, tier != "toggle", "1 failed"),
    )
    session = Session()
    with pytest.raises(FailedError, match="above: toggle"):
        run(session, [*LIGHT, *ALONE], folder=tmp_path)
    assert not any(said.startswith("fuzz") for said in session.said)
    commit = commit_of(ROOT)
    noted = [tier for tier in (*LIGHT, *ALONE) if has_passed(tmp_path, tier, commit)]
    assert noted == [tier for tier in LIGHT if tier != "toggle"]


def test_what_has_passed_is_not_run_again(
    begun: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    session: Any = Session("--strength", "3")
    noxfile.run_shard(session, tmp_path)
    assert begun.keys() == {*LIGHT, *ALONE}
    begun.clear()
    noxfile.run_shard(session, tmp_path)
    assert begun == {"run": ("--resume", "--strength", "3")}  # whose rows are kept one by one


def test_the_shards_run_each_tier_once(begun: dict[str, tuple[str, ...]]) -> None:
    dealt = []
    for number in (1, 2, 3):
        session: Any = Session("--shard", f"{number}/3")
        noxfile.run_shard(session, None)
        assert begun.pop("run") == ("--shard", f"{number}/3")
        dealt += [*begun]
        begun.clear()
    assert sorted(dealt) == sorted({*LIGHT, *ALONE} - {"run"})


def test_the_last_line_of_a_tier_is_what_pytest_says(capfd: pytest.CaptureFixture[str]) -> None:
    session: Any = Session()
    ended = noxfile.run_tier(session, "clients", "--collect-only", "--quiet")
    assert ended.is_well
    assert "collected" in ended.closing
    assert "pytest tests -m clients --collect-only --quiet\n" in capfd.readouterr().out
