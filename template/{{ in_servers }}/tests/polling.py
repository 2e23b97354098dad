"""Waiting for what happens in another process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], *, within: float = 10) -> T:
    """Return what `look` returns as soon as it is true; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := await look()):
        assert time.monotonic() < deadline, f"{look} was not true within {within} seconds"
        await asyncio.sleep(0.02)
    return found
