"""Under which answers Copier asks a question, and which choices it offers then."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import meta

from extensions.commands.copier_parts import (
    AnswersMap,
    Question,
    SandboxedEnvironment,
    SettingsModel,
    worker_of_folder,
)
from extensions.proof.covering import IsValid, Value

NOT_ASKED: Final = "(not asked)"
"""Stands in a row for the answer to a question that is not asked with the row's other answers."""

# What decides whether a question is asked, and what can be answered.
DECISIVE = ("when", "choices", "default", "type", "validator")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which answers to other questions some questions are asked, and what they offer then.

    Attributes:
        parts: the names of those questions whose answers stand in a row.
        details: each question and computed value, as copier.yml has it.
        environment: what Copier renders them with.
    """

    parts: frozenset[str]
    details: Mapping[str, Mapping[str, Any]]
    environment: SandboxedEnvironment
    _known: dict[object, Any] = field(default_factory=dict)

    def of(self, name: str) -> IsValid:
        """Return whether a row answers question `name` where it is asked, with what it offers."""

        def is_valid(row: Mapping[str, Value]) -> bool:
            offered: Sequence[Value] = self._once(name, row, _offered)
            return row[name] in offered

        return is_valid

    def value(self, name: str, row: Mapping[str, Value]) -> Any:
        """Return the answer or computed value, by default where it does not stand in `row`."""
        if name in self.parts and row[name] != NOT_ASKED:
            return row[name]
        return self._once(name, row, Question.get_default)

    def _once(self, name: str, row: Mapping[str, Value], use: Callable[[Question], Any]) -> Any:
        context = {read: self.value(read, row) for read in self._reads(name)}
        key = (name, use, repr(context))
        if key not in self._known:
            question = Question(
                answers=AnswersMap(user=context),
                context=context,
                jinja_env=self.environment,
                settings=SettingsModel(),
                var_name=name,
                **self.details[name],
            )
            self._known[key] = use(question)
        return self._known[key]

    def _reads(self, name: str) -> list[str]:
        """Return the names that decide about a question, but for its own."""
        if name not in self._known:
            texts = _texts([self.details[name].get(key) for key in DECISIVE])
            read: set[str] = set().union(
                *(meta.find_undeclared_variables(self.environment.parse(text)) for text in texts),
            )
            self._known[name] = sorted(read & self.details.keys() - {name})
        found: list[str] = self._known[name]
        return found


def _texts(details: object) -> Iterator[str]:
    if isinstance(details, str):
        yield details
    elif isinstance(details, Mapping):
        yield from _texts([*details.keys(), *details.values()])
    elif isinstance(details, Sequence):
        for part in details:
            yield from _texts(part)


def _offered(question: Question) -> Sequence[Value]:
    if not question.get_when():
        return (NOT_ASKED,)
    choices = question._formatted_choices
    return [question.cast_answer(choice.value) for choice in choices if not choice.disabled]


def conditions(template: Path, parts: frozenset[str]) -> Conditions:
    """Read the conditions of the questions `parts` of `template`."""
    with tempfile.TemporaryDirectory() as folder:
        worker = worker_of_folder(template, Path(folder), {})
        return Conditions(parts, worker.template.questions_data, worker.jinja_env)


def copiers_jinja(template: Path) -> SandboxedEnvironment:
    """Return what Copier renders the files of `template` with."""
    with tempfile.TemporaryDirectory() as folder:
        return worker_of_folder(template, Path(folder), {}).jinja_env
