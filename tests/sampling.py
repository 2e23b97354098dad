"""The option --sample: of the long tiers, the part that is chosen by the tree.

A test that is marked `sampled(2)` then runs with two of its parameters, and with those that
`always` names besides. What one test goes through by itself asks the function `sampled`.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import pytest

from extensions.proof.sample import in_order, in_turn, sample, tree_of
from tests.rendering import ROOT

T = TypeVar("T")


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sample",
        action="store_true",
        help="of the long tiers a part: every choice once, chosen by the tree of the commit",
    )


def sampled(
    config: pytest.Config,
    items: Sequence[T],
    choices: Callable[[T], Iterable[Hashable]] = lambda _: (),
    *,
    at_least: int = 1,
) -> list[T]:
    """Return `items`, or few of them where a sample was asked for: see `sample`."""
    if not config.option.sample:
        return list(items)
    chosen = sample(items, tree_of(ROOT), choices=choices, at_least=at_least)
    return in_order(chosen, items)


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the parameters of a sampled test whose turn it is not."""
    if not config.option.sample:
        return
    tree = tree_of(ROOT)
    by_test: dict[str, dict[str, pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled") and "[" in item.name:
            test, _, parameters = item.nodeid.partition("[")
            by_test.setdefault(test, {})[parameters.removesuffix("]")] = item
    left_out: list[pytest.Item] = []
    for found in by_test.values():
        marker = next(iter(found.values())).get_closest_marker("sampled")
        assert marker is not None
        (count,) = marker.args
        always = marker.kwargs.get("always", ())
        chosen = {*in_turn(found, tree)[:count], *always}
        left_out += [item for parameters, item in found.items() if parameters not in chosen]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
