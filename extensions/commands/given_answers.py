"""What people write on the command line as answers, and the sentences that they get."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from extensions.commands.catalogue import Answer, Answers, Question, questions
from extensions.commands.resolving import resolved


class UsageError(Exception):
    """A command cannot do what was asked. The text is one sentence that says what to do."""


def given(
    template: Path, pairs: Sequence[str], recorded: Mapping[str, Any] | None = None
) -> Answers:
    """Return the answers that `pairs`, each `question=answer`, give to what `template` asks.

    Args:
        recorded: the answers to other questions; by default those of who types nothing.

    Raises:
        UsageError: nobody asks that, the answer is not offered, or not with the other answers.
    """
    answers = chosen(template, pairs)
    try:
        known = resolved(template, {**_offered_still(template, recorded or {}), **answers})
    except ValueError as error:
        raise UsageError(sentence(error)) from error
    for name in answers:
        if name in known.not_asked:
            raise UsageError(f"{name} is not asked with the other answers; leave it out.")
    return answers


def chosen(template: Path, pairs: Sequence[str]) -> Answers:
    """Return the answers that `pairs` give, whatever the others will be.

    Raises:
        UsageError: nobody asks that, or the answer is not offered.
    """
    asked = {question.name: question for question in questions(template)}
    answers: Answers = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is no answer; write question=answer, as in storage=none.")
        if name not in asked:
            raise UsageError(f"There is no question {name!r}; {nearest(name, asked)}.")
        answers[name] = _offered(asked[name], text)
    return answers


def _offered(question: Question, text: str) -> Answer:
    """Return the choice that `text` names; copier.yml itself checks a free text."""
    if not question.choices:
        return text
    names = {spelled(choice): choice for choice in question.choices}
    if any(isinstance(choice, bool) for choice in question.choices):
        with suppress(yaml.YAMLError):
            read = yaml.safe_load(text)  # as Copier, which knows yes and no too
            text = text if read is None else spelled(read)
    if text not in names:
        raise UsageError(f"{question.name} cannot be {text!r}; choose {either(names)}.")
    return names[text]


def spelled(choice: Any) -> str:
    """Return a choice as one writes it on the command line."""
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def still_valid(template: Path, recorded: Mapping[str, Any]) -> Answers:
    """Return those of the recorded answers that Copier keeps: asked still, and offered still."""
    kept = _offered_still(template, recorded)
    not_asked = resolved(template, kept).not_asked
    return {name: answer for name, answer in kept.items() if name not in not_asked}


def _offered_still(template: Path, recorded: Mapping[str, Any]) -> Answers:
    asked = {question.name: question for question in questions(template)}
    return {
        name: answer
        for name, answer in recorded.items()
        if name in asked and (not asked[name].choices or answer in asked[name].choices)
    }


def nearest(name: str, names: Iterable[str]) -> str:
    """Return what to type instead of a name that there is not."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"the nearest is {near[0]}" if near else f"there are {', '.join(names)}"


def either(names: Iterable[str]) -> str:
    """Return the names as a choice: a, b or c."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def sentence(error: Exception) -> str:
    """Return the last line of what an error says: Copier puts its own reason there."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return re.sub(r"^Validation error for question '(\w+)':", r"\1:", lines[-1].strip())
