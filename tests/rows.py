"""Which services the run tier installs and runs: the rows of a covering array, or those asked for.

A row is written as a person would answer on the command line: `database=none docker=no`; what is
not written is as in the standard service. So a row's name is how to run it again.
"""

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import pytest

from extensions.commands.catalogue import (
    CUSTOM,
    Answer,
    Answers,
    UnknownAnswerError,
    checked,
    everything_off,
    parts,
    presets,
)
from extensions.proof.certificate import LOCKED
from extensions.proof.combinations import array
from extensions.proof.covering import share
from extensions.proof.sample import in_order, sample, tree_of
from tests.proof import seen_by
from tests.rendering import ROOT

WORDS = {"yes": True, "no": False}
NEWEST, LOWEST = "newest", "lowest"


def add_options(parser: pytest.Parser) -> None:
    """Let a person say which rows are run, and with what."""
    group = parser.getgroup("run tier", "which services are installed and run")
    group.addoption(
        "--row",
        action="append",
        default=[],
        help="these answers alone, such as --row='database=none docker=no'; may be repeated",
    )
    group.addoption(
        "--strength",
        type=int,
        default=2,
        help="any so many answers stand together in some row (default: 2)",
    )
    group.addoption("--shard", metavar="NUMBER/COUNT", help="a share of them, such as 1/4")
    group.addoption("--python", help="the services' Python instead of what uv finds, such as 3.13")
    group.addoption(
        "--versions",
        choices=(LOCKED, NEWEST, LOWEST),
        default=LOCKED,
        help="of the packages: as tested, or the newest or lowest that are allowed",
    )
    group.addoption("--resume", action="store_true", help="without the rows that PROOF_DIR has")


def written(answers: Mapping[str, Answer]) -> str:
    """Return `answers` as a person writes them on a command line."""
    words = {answer: word for word, answer in WORDS.items()}
    return shlex.join(
        f"{name}={words[answer] if isinstance(answer, bool) else answer}"
        for name, answer in answers.items()
    )


def read(text: str) -> Answers:
    """Return the answers that are written in `text`.

    Raises:
        UnknownAnswerError: nobody asks that, or the answer is not offered.
    """
    answers: Answers = {}
    for part in shlex.split(text):
        name, _, answer = part.partition("=")
        answers[name] = WORDS.get(answer, answer)
    return checked(ROOT, answers)


SELECTION = pytest.StashKey["Selection"]()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are run, and how."""

    rows: tuple[str, ...]
    python: str | None
    versions: str

    @property
    def arguments(self) -> str:
        """Return how else than by default the rows are run, as `nox -s run` takes it."""
        python = f" --python {self.python}" if self.python else ""
        return python + (f" --versions {self.versions}" if self.versions != LOCKED else "")

    def name(self, row: str) -> str:
        """Return under which name it is kept that `row` has passed."""
        return row + self.arguments

    def again(self, row: str) -> str:
        """Return the command that runs `row` once more."""
        return f"uv run nox -s run -- {row}{self.arguments}"


@cache
def rows_of(strength: int) -> tuple[str, ...]:
    """Return the rows in which any `strength` structural answers stand together.

    The presets and the service with nothing in it are among them. Services with much in them come
    first, for they take longest.
    """
    known = {name: parts(ROOT, {"preset": name}) for name in presets(ROOT) if name != CUSTOM}
    standard = parts(ROOT, {})
    services = array(ROOT, strength, seeds=[*known.values(), everything_off(ROOT)])
    services.sort(key=lambda answers: -sum(map(brings_something, answers.values())))
    rows = []
    for answers in services:
        preset = next((name for name, each in known.items() if each == answers), None)
        differing = {
            name: answer for name, answer in answers.items() if standard.get(name) != answer
        }
        rows.append(written({"preset": preset} if preset else differing))
    return tuple(rows)


def brings_something(answer: Answer) -> bool:
    return answer not in ("none", False)


@cache
def choices_of(row: str) -> frozenset[tuple[str, Answer]]:
    """Return how a row answers every structural question."""
    return frozenset(parts(ROOT, read(row)).items())


def selection(config: pytest.Config) -> Selection:
    """Return what the options ask for: always the same, and what xdist's first process found.

    Raises:
        pytest.UsageError: there is no such answer or share.
    """
    if SELECTION not in config.stash:
        options = config.option
        found = getattr(config, "workerinput", {}).get("rows")
        chosen = Selection((), options.python, options.versions)
        rows = _rows(options, chosen) if found is None else found
        config.stash[SELECTION] = replace(chosen, rows=tuple(rows))
    return config.stash[SELECTION]


def _rows(options: argparse.Namespace, chosen: Selection) -> list[str]:
    try:
        rows = tuple(written(read(row)) for row in options.row) or rows_of(options.strength)
        if options.sample and not options.row:
            chosen_rows = sample(rows, tree_of(ROOT), choices=choices_of, at_least=3)
            rows = tuple(in_order(chosen_rows, rows))
        if options.shard:
            rows = tuple(share(rows, options.shard))
    except (UnknownAnswerError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    passed = seen_by("run").get("rows", ()) if options.resume else ()
    return [row for row in rows if chosen.name(row) not in passed]
