"""What an answer brings into a service: the service is rendered with it and without it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from extensions.commands.catalogue import Answer, Answers, Question, everything_off, questions
from extensions.commands.facts import Facts, facts
from extensions.commands.given_answers import UsageError, given, nearest, spelled
from extensions.commands.render_diff import NOT_COMPARED
from extensions.commands.rendering import rendered

Texts = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a service differs from another one.

    Attributes:
        subject: the answers that are explained.
        reference: the answers of the service that it is compared with.
        brings: what only the service has, by what it is.
        changes: the files that both have, with other contents.
        leaves_out: what only the other one has.
    """

    subject: str
    reference: str
    brings: Texts
    changes: list[str]
    leaves_out: Texts


def explain(template: Path, subject: str | None, pairs: Sequence[str]) -> list[Explanation]:
    """Explain a question (each of its choices), an answer, or the whole of the answers `pairs`.

    Args:
        subject: `question` or `question=answer`; `pairs` fix the other answers then.

    Raises:
        UsageError: there is no such question or answer.
    """
    if subject is None:
        answers = given(template, pairs)
        off = everything_off(template)
        nothing = "a service without any part"
        return [_compared(template, answers, off, _spelled(answers) or "the defaults", nothing)]
    return list(_explained(template, subject, pairs))


def _explained(template: Path, subject: str, pairs: Sequence[str]) -> Iterator[Explanation]:
    name, equals, _ = subject.partition("=")
    asked = {question.name: question for question in questions(template)}
    if name not in asked:
        raise UsageError(f"There is no question {name!r}; {nearest(name, asked)}.")
    question = asked[name]
    if not question.choices:
        raise UsageError(f"{name} is a text of your own; only a choice can be explained.")
    if equals:
        chosen = [given(template, [subject])[name]]
    else:
        chosen = [choice for choice in question.choices if choice != _without(question)]
    for choice in chosen:
        other = _other(question, choice)
        pair, reference = f"{name}={spelled(choice)}", f"{name}={spelled(other)}"
        answers, others = (given(template, [*pairs, text]) for text in (pair, reference))
        yield _compared(template, answers, others, pair, reference)


def _without(question: Question) -> Answer:
    """Return the choice that leaves the part out, or else the first."""
    nothing = [choice for choice in question.choices if choice in ("none", False)]
    return nothing[0] if nothing else question.choices[0]


def _other(question: Question, choice: Answer) -> Answer:
    """Return the choice that `choice` is compared with."""
    others = [other for other in question.choices if other != choice]
    without = _without(question)
    return without if without in others else others[0]


def _compared(
    template: Path, answers: Answers, others: Answers, subject: str, reference: str
) -> Explanation:
    with_it, without_it = rendered(template, answers).files, rendered(template, others).files
    new, old = facts(with_it), facts(without_it)
    return Explanation(
        subject,
        reference,
        brings=_only(new, old),
        changes=sorted(
            path
            for path in with_it.keys() & without_it.keys()
            if with_it[path] != without_it[path] and path not in NOT_COMPARED
        ),
        leaves_out=_only(old, new),
    )


def _only(some: Facts, others: Facts) -> Texts:
    return {kind: sorted(some[kind] - others[kind]) for kind in some if some[kind] - others[kind]}


def _spelled(answers: Mapping[str, Answer]) -> str:
    return ", ".join(f"{name}={spelled(answer)}" for name, answer in answers.items())


def as_json(explanations: Sequence[Explanation]) -> str:
    """Return the explanations as a JSON array."""
    return json.dumps(
        [
            {
                "answers": each.subject,
                "compared_with": each.reference,
                "brings": each.brings,
                "changes": each.changes,
                "leaves_out": each.leaves_out,
            }
            for each in explanations
        ],
        indent=2,
    )


def as_text(explanations: Sequence[Explanation]) -> str:
    """Return the explanations for a person to read."""
    return "\n\n\n".join("\n".join(_lines(each)) for each in explanations)


def _lines(each: Explanation) -> Iterator[str]:
    yield f"{each.subject}, compared with {each.reference}"
    for sign, sections in (("+", each.brings), ("-", each.leaves_out)):
        for kind, texts in sections.items():
            yield ""
            yield f"{'Brings' if sign == '+' else 'Leaves out'} {kind} ({len(texts)})"
            yield from (f"  {sign} {text}" for text in texts)
    if each.changes:
        yield ""
        yield f"Changes files ({len(each.changes)})"
        yield from (f"  ~ {path}" for path in each.changes)
    if not (each.brings or each.leaves_out or each.changes):
        yield "\nNothing differs."
