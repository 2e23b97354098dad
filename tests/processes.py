"""Work on services side by side: Copier changes the directory of its process, so not in threads."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from extensions.proof.rendering import compiled_once

Work = TypeVar("Work")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Work], Result], items: Iterable[Work], *, at_once: int = 1
) -> list[Result]:
    """Return what `function` makes of each of `items`, with a process for each processor.

    Args:
        function: one at the top of a module, so that it can be sent to a process.
        items: its arguments, which can be sent as well.
        at_once: how many are sent at once; more than one where each takes little time.
    """
    with ProcessPoolExecutor(os.cpu_count(), initializer=_compile_once) as pool:
        return list(pool.map(function, items, chunksize=at_once))


_FOR_GOOD = ExitStack()  # for a context that nobody holds is left


def _compile_once() -> None:
    _FOR_GOOD.enter_context(compiled_once())
