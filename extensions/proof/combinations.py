"""The services that there can be: the valid combinations of answers, and covering arrays of them.

`python -m extensions.proof.combinations` lists them; with `--strength 2`, only so many that any two
answers stand together in one of them.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from extensions.commands.catalogue import Answer, Answers, parts, structural
from extensions.commands.given_answers import spelled
from extensions.commands.output import print_plainly, say_no_more
from extensions.commands.source import own_template
from extensions.proof.conditions import NOT_ASKED, conditions
from extensions.proof.covering import IsValid, Row, covering_array, every, valid_rows


def factors(template: Path) -> dict[str, tuple[Answer, ...]]:
    """Return what each structural question can be answered, `NOT_ASKED` where that can be."""
    return {
        question.name: question.choices + ((NOT_ASKED,) if question.has_conditions else ())
        for question in structural(template)
    }


def validity(template: Path) -> IsValid:
    """Return whether a row of these factors is a combination that a person can answer."""
    asked = structural(template)
    known = conditions(template, frozenset(question.name for question in asked))
    return every(known.of(question.name) for question in asked if question.has_conditions)


def combinations(template: Path) -> Iterator[Answers]:
    """Yield every valid combination of the structural answers, without what is not asked."""
    for row in valid_rows(factors(template), validity(template)):
        yield _answers(row)


def array(
    template: Path, strength: int, seeds: Sequence[Mapping[str, Answer]] = ()
) -> list[Answers]:
    """Return few combinations in which any `strength` structural answers stand together.

    The services of `seeds`, which may leave out what is as by default, come first.
    """
    names = factors(template)
    rows = []
    for seed in seeds:
        known = parts(template, seed)
        row = {name: known.get(name, NOT_ASKED) for name in names}
        rows += [row] if row not in rows else []
    found = covering_array(names, strength, is_valid=validity(template), seeds=rows)
    return [_answers(row) for row in found]


def _answers(row: Row) -> Answers:
    return {name: value for name, value in row.items() if value != NOT_ASKED}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one service a line, as answers that can be given with -d."""
    parser = argparse.ArgumentParser(description="List the services that there can be.")
    parser.add_argument("--strength", type=int, choices=(2, 3), help="a covering array of them")
    print_plainly()
    strength, template = parser.parse_args(arguments).strength, own_template()
    rows = array(template, strength) if strength else combinations(template)
    try:
        for answers in rows:
            pairs = (f"{name}={spelled(answer)}" for name, answer in answers.items())
            sys.stdout.write(f"{' '.join(pairs)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        say_no_more()


if __name__ == "__main__":
    main()
