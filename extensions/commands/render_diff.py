"""How services differ that have other answers, or come from other versions of the template."""

import re
from collections.abc import Sequence
from pathlib import Path

from extensions.commands.git import difference
from extensions.commands.given_answers import UsageError, given
from extensions.commands.rendering import rendered
from extensions.commands.source import own_template, version

NOT_COMPARED = frozenset({".copier-answers.yml", ".env.development"})
"""They differ for other reasons than the template: an address, and a random key."""


def render_diff(
    sides: tuple[str, str], pairs: Sequence[str], address: str | None, *options: str
) -> str:
    """Return the difference from one side to the other, as git writes it.

    Args:
        sides: two sets of answers, each `question=answer,question=answer`, or two versions.
        pairs: answers of both sides.
        address: the template, if it is not the one that came with this command.

    Raises:
        UsageError: a side is neither, or they are not of one kind.
    """
    by_answers = ["=" in side for side in sides]
    if any(by_answers) and not all(by_answers):
        raise UsageError("Compare two sets of answers, as storage=none, or two versions.")
    old, new = (_files(side, pairs, address) for side in sides)
    return difference(old, new, *options)


def _files(side: str, pairs: Sequence[str], address: str | None) -> dict[str, bytes]:
    if "=" in side:
        own = re.split(r",(?=\w+=)", side)
        if address is None:
            return _rendered(own_template(), [*pairs, *own])
        with version(address, "HEAD") as template:
            return _rendered(template, [*pairs, *own])
    with version(address, side) as template:
        return _rendered(template, pairs)


def _rendered(template: Path, pairs: Sequence[str]) -> dict[str, bytes]:
    files = rendered(template, given(template, pairs)).files
    return {path: text for path, text in files.items() if path not in NOT_COMPARED}
