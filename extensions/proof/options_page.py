"""Writes docs/options.md: every question, its choices and defaults, as copier.yml has them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from extensions.commands.catalogue import (
    CUSTOM,
    Answer,
    Question,
    parts,
    presets,
    questions,
    resolve,
    structural,
)
from extensions.commands.explain import Explanation, explain
from extensions.proof.rendering import compiled_once

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "options.md"

INTRODUCTION = """\
# Options

<!-- `uv run nox -s docs` writes this page from copier.yml. -->

Copier asks these questions in this order. `-d name=answer` answers a question on the command line.
The answers are recorded in the service, in `.copier-answers.yml`, and updates use them.

An invalid answer is refused with a sentence that names the fix, and nothing is written. Copier
silently ignores an unknown question, so check the spelling.

## Presets

`preset` sets the defaults of the parts. With `custom`, Copier asks for each part. An explicit
answer overrides the preset: `-d preset=minimal -d storage=s3`. These are the answers of each
preset:
"""

ABOUT = """
## About the service

These are always asked.
"""

PARTS = """\
## The parts

Copier asks these questions with `preset=custom`; otherwise the preset decides. The lists below are
compared with a service of the preset `minimal`, or of `full` if the question is not asked there.
What parts share, such as NATS, is listed for each.
[`explain`](commands.md#what-does-an-answer-bring) lists every file, also
compared with other answers.
"""

BESIDE = ("minimal", "full")
"""The presets to which an answer adds what it brings: the first that is asked for it."""

FEW = 5
"""Files that are still worth a reader's time."""


def options_page(template: Path) -> str:
    """Return the page for the questions of `template`, in Markdown."""
    config = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    defaults = resolve(template, {})

    lines = [INTRODUCTION, *_preset_table(template), ABOUT]
    for question in questions(template):
        if not question.is_part:
            lines += _section(question, defaults)
    lines.append(PARTS)
    for question in structural(template):
        lines += _section(question, defaults, config[question.name].get("when"))
        for explanation in explain(template, question.name, [_beside(template, question)]):
            lines += _brought(explanation)
    return "\n".join(lines).rstrip() + "\n"


def _preset_table(template: Path) -> Iterator[str]:
    """Yield a row for each part, with what it is under each preset."""
    names = [name for name in presets(template) if name != CUSTOM]
    services = [parts(template, {"preset": name}) for name in names]
    yield _row("part", *(f"`{name}`" for name in names))
    yield _row(*["---"] * (len(names) + 1))
    for question in structural(template):
        answers = [service.get(question.name) for service in services]
        cells = ["" if answer is None else _typed(answer) for answer in answers]
        yield _row(f"[`{question.name}`](#{question.name})", *cells)


def _section(
    question: Question, defaults: Mapping[str, Any], condition: str | None = None
) -> Iterator[str]:
    """Yield the lines about one question."""
    default = defaults[question.name]
    yield f"### `{question.name}` {{ #{question.name} }}\n\n{question.help}\n"
    choices = [_typed(answer) for answer in question.choices]
    choices = [f"{one} (default)" if one == _typed(default) else one for one in choices]
    labels = [
        label.removeprefix(f"{answer} - ").removeprefix(str(answer))
        for label, answer in zip(question.labels, question.choices, strict=True)
    ]
    if any(labels):
        yield _row("answer", "meaning")
        yield _row("---", "---")
        yield from map(_row, choices, labels)
        yield ""
    elif choices:
        yield f"{', '.join(choices)}.\n"
    elif "{" in str(question.default):
        yield f"Made of the other answers by default, such as {_typed(default)}.\n"
    else:
        yield f"{_typed(default)} by default.\n" if default else "Empty by default.\n"
    if condition:
        expression = condition.strip().removeprefix("{{").removesuffix("}}").strip()
        yield f"The question exists only where `{expression}`.\n"


def _beside(template: Path, question: Question) -> str:
    """Return the preset to which the answers to `question` are added."""
    for name in BESIDE:
        if question.name in parts(template, {"preset": name}):
            return f"preset={name}"
    raise LookupError(f"{question.name} is asked with none of the presets {', '.join(BESIDE)}.")


def _brought(explanation: Explanation) -> Iterator[str]:
    """Yield the lines about what an answer brings."""
    yield f"`{explanation.subject}` brings:\n"
    brings = dict(explanation.brings)
    if len(brings.get("files", ())) > FEW:
        paths = brings.pop("files")
        if not brings:
            brings["folders"] = sorted({f"{PurePosixPath(path).parent}/" for path in paths})
    for kind, texts in brings.items():
        yield f"- {kind}: {', '.join(f'`{_unversioned(text)}`' for text in texts)}"
    yield ""


def _unversioned(text: str) -> str:
    """Return the name of a package without its version, or any other text as it is."""
    return re.sub(r"[<>=~!].*", "", text)


def _typed(answer: Answer) -> str:
    """Return what a person types for `answer`."""
    return f"`{str(answer).lower() if isinstance(answer, bool) else answer}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    with compiled_once():
        PAGE.write_text(options_page(ROOT), encoding="utf-8")
