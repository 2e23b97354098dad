"""What a backing service is to this program: something that is opened, checked and closed."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.core.config import Settings

T = TypeVar("T")


class StartupError(Exception):
    """The service cannot start. Its text is for the operator: what is wrong and what to look at."""


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One backing service, opened and checked in the same way wherever it is used.

    Attributes:
        name: what readiness, logs and the command line call it.
        open: yields the handle; waits for a server that is starting, within a limit, and raises
            `StartupError` where the service cannot do without it.
        check: returns what it found, such as a version; raises whatever went wrong.
        required: whether readiness depends on it.
    """

    name: str
    open: Callable[[Settings], AbstractAsyncContextManager[T]]
    check: Callable[[T], Awaitable[str]]
    required: bool = True
