"""Resources: backing services that are opened, checked and closed."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.core.config import Settings

T = TypeVar("T")


class StartupError(Exception):
    """The service cannot start. The text is for the operator: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One backing service, opened and checked in the same way by every program.

    Attributes:
        name: its name in readiness, logs and the command line.
        open: yields the handle; waits for a starting server within a limit, and raises
            `StartupError` if the service cannot run without it.
        check: returns a detail, such as a version; raises an error if it does not work.
        required: whether readiness depends on it.
    """

    name: str
    open: Callable[[Settings], AbstractAsyncContextManager[T]]
    check: Callable[[T], Awaitable[str]]
    required: bool = True
