"""The catalogue of options, read from copier.yml: questions, and their valid combinations."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Answer = str | bool
Answers = dict[str, Answer]

# These say who a service belongs to and where it runs; the others decide of what it consists.
IDENTITY = frozenset(
    {
        "author_email",
        "author_name",
        "license",
        "preset",
        "project_description",
        "project_name",
        "project_slug",
        "python_version",
    },
)


class UnknownAnswerError(Exception):
    """An answer to a question that copier.yml does not ask, or that it does not offer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of copier.yml.

    Attributes:
        name: the key under which the answer is recorded.
        choices: the values to choose from; empty for a free text.
    """

    name: str
    choices: tuple[Answer, ...]


@cache
def questions(template: Path) -> tuple[Question, ...]:
    """Return what `template` asks, in order, without the values that it computes."""
    config: dict[str, Any] = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    return tuple(
        Question(name, _choices(details))
        for name, details in config.items()
        if not name.startswith("_") and details.get("when") is not False
    )


def _choices(details: Mapping[str, Any]) -> tuple[Answer, ...]:
    choices = details.get("choices", ())
    return tuple(choices.values() if isinstance(choices, Mapping) else choices)


def structural(template: Path) -> tuple[Question, ...]:
    """Return the questions whose answers change which files or code a service has."""
    return tuple(question for question in questions(template) if question.name not in IDENTITY)


def combinations(template: Path) -> Iterator[Answers]:
    """Yield every combination of the structural questions; all of them are valid."""
    asked = structural(template)
    for values in itertools.product(*(question.choices for question in asked)):
        yield dict(zip((question.name for question in asked), values, strict=True))


def everything_off(template: Path) -> Answers:
    """Return the answers that leave out all that can be left out."""
    off: Answers = {"preset": "custom"}
    for question in questions(template):
        for nothing in ("none", False):
            if nothing in question.choices:
                off[question.name] = nothing
    return off


def checked(template: Path, answers: Mapping[str, Answer]) -> Answers:
    """Return `answers`; Copier itself ignores a mistyped name in silence.

    Raises:
        UnknownAnswerError: nobody asks that, or the answer is not offered.
    """
    asked = {question.name: question for question in questions(template)}
    for name, answer in answers.items():
        if name not in asked:
            raise UnknownAnswerError(f"{name} is not asked; there are {', '.join(asked)}.")
        if asked[name].choices and answer not in asked[name].choices:
            raise UnknownAnswerError(f"{name} cannot be {answer!r}; it is {asked[name].choices}.")
    return dict(answers)
