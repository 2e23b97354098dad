"""The id of the request that is being served: for logs, and for what the request causes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

REQUEST_ID_HEADER: Final = "X-Request-ID"

current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def get_request_id() -> str | None:
    """Return the id of the request that is being served, or None outside of one."""
    return current_request_id.get()


@contextmanager
def request_id_context(request_id: str | None) -> Iterator[None]:
    """Do what is inside on behalf of the request with this id; for work done outside of it."""
    token = current_request_id.set(request_id)
    try:
        yield
    finally:
        current_request_id.reset(token)
