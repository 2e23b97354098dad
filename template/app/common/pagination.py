"""Pagination: by cursor, which is stable while rows are added and deleted, or by offset."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from app.common.json_utils import dumps, loads
from app.common.root_path import route_path
from app.core.errors import Unprocessable, raises
from app.core.request_settings import settings_of

T = TypeVar("T")
Position = tuple[datetime | UUID | int | str, ...]

MAXIMUM_LIMIT: Final = 100
MAXIMUM_OFFSET: Final = 100_000
_SIGNATURE_BYTES: Final = 16
_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "UUID": UUID,
    "datetime": datetime.fromisoformat,
    "int": int,
    "str": str,
}


class InvalidCursor(Unprocessable):
    """This cursor belongs to another list, order or filter; start without a cursor."""


class Page(BaseModel, Generic[T]):
    """A page of a list, with the cursor of the next page."""

    items: list[T]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")
    total: int | None = Field(description="The number of all items; null unless requested.")


@dataclass(frozen=True, slots=True)
class PageParams:
    """The requested page.

    Attributes:
        limit: maximum number of items. Query one more to see whether another page follows.
        offset: number of items to skip; 0 with a cursor.
        after: the sort values of the last item of the previous page, None on the first page. The
            combination must be unique, so the last value is usually an id.
        with_total: whether the client wants the number of all items, which costs a COUNT.
        seal: the key that signs the cursors of this list, order and filters.
    """

    limit: int
    offset: int
    after: Position | None
    with_total: bool
    seal: bytes

    def page(
        self,
        items: list[T],
        position: Callable[[T], Position],
        total: int | None = None,
    ) -> Page[T]:
        """Build the page.

        Args:
            items: up to `limit` + 1 items, in order.
            position: returns the sort values of an item, in the order of `after`.
            total: the number of all items, if requested.
        """
        shown = items[: self.limit]
        more = len(items) > self.limit
        next_cursor = encode_cursor(position(shown[-1]), self.seal) if more else None
        return Page(items=shown, next_cursor=next_cursor, total=total)


@raises(InvalidCursor)
async def page_params(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT, description="Items on a page.")] = 20,
    offset: Annotated[
        int,
        Query(ge=0, le=MAXIMUM_OFFSET, description="Items to skip; not together with a cursor."),
    ] = 0,
    cursor: Annotated[
        str | None,
        Query(max_length=2000, description="`next_cursor` of the previous page, unchanged."),
    ] = None,
    with_total: Annotated[bool, Query(description="Whether to count all items.")] = False,
) -> PageParams:
    """Return the requested page.

    Raises:
        InvalidCursor: the cursor was altered, belongs to another list, or is given with an offset.
    """
    if cursor is not None and offset:
        raise InvalidCursor("Pass a cursor or an offset, not both.")
    paging = {"limit", "offset", "cursor", "with_total"}
    others = sorted(item for item in request.query_params.multi_items() if item[0] not in paging)
    scope = f"page cursor\0{route_path(request.scope)}?{urlencode(others)}"
    settings = await settings_of(request)
    seal = hmac.digest(settings.SECRET_KEY.get_secret_value().encode(), scope.encode(), "sha256")
    after = decode_cursor(cursor, seal) if cursor is not None else None
    return PageParams(limit, offset, after, with_total, seal)


def encode_cursor(position: Position, seal: bytes) -> str:
    """Encode `position` as a cursor, signed with `seal`."""
    typed = [(type(value).__name__, str(value)) for value in position]
    payload = dumps(typed)
    return urlsafe_b64encode(_signature(payload, seal) + payload).decode()


def decode_cursor(cursor: str, seal: bytes) -> Position:
    """Return the position in `cursor`.

    Raises:
        InvalidCursor: it was not signed with this `seal`.
    """
    try:
        signed = urlsafe_b64decode(cursor.encode("ascii"))
    except ValueError as error:
        raise InvalidCursor from error
    signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(payload, seal)):
        raise InvalidCursor
    return tuple(_PARSERS[name](text) for name, text in loads(payload))


def _signature(payload: bytes, seal: bytes) -> bytes:
    return hmac.digest(seal, payload, "sha256")[:_SIGNATURE_BYTES]


PageParamsDep = Annotated[PageParams, Depends(page_params)]
