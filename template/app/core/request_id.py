"""The id of the current request, for logs, tasks and events."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

REQUEST_ID_HEADER: Final = "X-Request-ID"

current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def get_request_id() -> str | None:
    """Return the id of the current request, or None outside a request."""
    return current_request_id.get()


@contextmanager
def request_id_context(request_id: str | None) -> Iterator[None]:
    """Run the block under this request id; for work outside the request that caused it."""
    token = current_request_id.set(request_id)
    try:
        yield
    finally:
        current_request_id.reset(token)
