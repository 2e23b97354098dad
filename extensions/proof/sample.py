"""Which part of a long tier runs on a change: few of its items, chosen by the tree of the commit.

Every choice occurs in one of them. The same tree gives the same part on any machine, and another
tree another part, so that in time every item has its turn. `nox -s proof` runs all of them.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from extensions.commands.git import git

T = TypeVar("T")


def tree_of(repository: Path) -> str:
    """Return the name of the tree that is committed; what has changed since does not count."""
    return git(repository, "rev-parse", "HEAD^{tree}").decode().strip()


def sample(
    items: Iterable[T],
    tree: str,
    *,
    choices: Callable[[T], Iterable[Hashable]] = lambda _: (),
    at_least: int = 1,
) -> list[T]:
    """Return few of `items`: `at_least` so many, and each of their choices in one of them.

    Args:
        items: all of them; `str` tells one from another.
        tree: by which they are chosen.
        choices: what an item stands for.
        at_least: how many there are, whatever they stand for.
    """
    waiting = in_turn(items, tree)
    missing = {choice for item in waiting for choice in choices(item)}
    chosen: list[T] = []
    while waiting and (missing or len(chosen) < at_least):
        # The first is the one whose turn it is; of equals, max takes the first.
        best = (
            max(waiting, key=lambda item: len(missing & {*choices(item)})) if chosen else waiting[0]
        )
        waiting.remove(best)
        chosen.append(best)
        missing -= {*choices(best)}
    return chosen


def in_turn(items: Iterable[T], tree: str) -> list[T]:
    """Return `items` in the order in which they are taken for `tree`."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{tree} {item}".encode()).digest())


def in_order(chosen: Sequence[T], items: Sequence[T]) -> list[T]:
    """Return what is chosen of `items` in their own order."""
    return [item for item in items if item in chosen]
