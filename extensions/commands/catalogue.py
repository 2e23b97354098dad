"""The catalogue of options, read from copier.yml: questions, choices and presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from extensions.commands.resolving import resolved

Answer = str | bool
Answers = dict[str, Answer]

CUSTOM = "custom"
"""The preset that decides nothing: each part is asked for."""


class UnknownAnswerError(Exception):
    """An answer to a question that copier.yml does not ask, or that it does not offer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of copier.yml.

    Attributes:
        name: the key under which the answer is recorded.
        help: the question, as a person reads it.
        labels: what a person reads of each choice; empty for a free text.
        choices: the values to choose from, in the order of their labels; empty for a free text.
        default: the answer of who types nothing; may be an expression of other answers.
        is_part: a preset answers it: the question decides of what a service consists. The others
            say who it belongs to and where it runs.
        has_conditions: whether it is asked, or what it offers, depends on other answers.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    choices: tuple[Answer, ...]
    default: Answer
    is_part: bool
    has_conditions: bool


def questions(template: Path) -> tuple[Question, ...]:
    """Return what `template` asks, in order, without the values that it computes."""
    return _questions((template / "copier.yml").read_text(encoding="utf-8"))


@cache
def _questions(text: str) -> tuple[Question, ...]:
    config: dict[str, Any] = yaml.safe_load(text)
    return tuple(
        _question(name, details)
        for name, details in config.items()
        if not name.startswith("_") and details.get("when") is not False
    )


def _question(name: str, details: Mapping[str, Any]) -> Question:
    choices = details.get("choices", {})
    if not isinstance(choices, Mapping):
        choices = {str(value): value for value in choices}
    values = [_value(choice) for choice in choices.values()]
    return Question(
        name,
        help=details.get("help", ""),
        labels=tuple(choices),
        choices=tuple(values),
        default=details.get("default", ""),
        is_part=bool(choices) and "ask" in details,
        has_conditions="when" in details or values != list(choices.values()),
    )


def _value(choice: Any) -> Answer:
    """A choice with a condition is a mapping of its value and the condition."""
    value: Answer = choice["value"] if isinstance(choice, Mapping) else choice
    return value


def presets(template: Path) -> tuple[str, ...]:
    """Return the names of the presets, `custom` included."""
    found = next(question for question in questions(template) if question.name == "preset")
    return tuple(str(choice) for choice in found.choices)


def structural(template: Path) -> tuple[Question, ...]:
    """Return the questions whose answers change which files or code a service has."""
    return tuple(question for question in questions(template) if question.is_part)


def resolve(template: Path, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return every answer and every computed value, as Copier makes them of `answers`.

    Raises:
        UnknownAnswerError: nobody asks that, or the answer is not offered.
        ValueError: a text that copier.yml refuses, with its reason.
    """
    return resolved(template, checked(template, answers)).values


def parts(template: Path, answers: Mapping[str, Answer]) -> Answers:
    """Return the structural answers of the service with `answers`, without what is not asked."""
    found = resolved(template, checked(template, answers))
    return {
        question.name: found.values[question.name]
        for question in structural(template)
        if question.name not in found.not_asked
    }


def everything_off(template: Path) -> Answers:
    """Return the answers that leave out all that can be left out."""
    off: Answers = {"preset": CUSTOM}
    for question in structural(template):
        for nothing in ("none", False):
            if nothing in question.choices:
                off[question.name] = nothing
    not_asked = resolved(template, off).not_asked
    return {name: answer for name, answer in off.items() if name not in not_asked}


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
    conditional = [name for name in answers if asked[name].has_conditions]
    for name in conditional and resolved(template, answers).not_asked.intersection(conditional):
        raise UnknownAnswerError(f"{name} is not asked with the other answers; leave it out.")
    return dict(answers)
