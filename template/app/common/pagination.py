"""Pages of a list: by cursor, which holds still while rows come and go, or by offset."""

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
    """This cursor is not of this list with this order and these filters; begin without one."""


class Page(BaseModel, Generic[T]):
    """Some items of a list, and how to get those after them."""

    items: list[T]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")
    total: int | None = Field(description="How many there are on all pages; null unless asked for.")


@dataclass(frozen=True, slots=True)
class PageParams:
    """Which page a client asked for.

    Attributes:
        limit: how many items at most. Query one more: it tells whether a page follows.
        offset: how many items to skip; 0 with a cursor.
        after: the sort values of the last item of the page before, None on the first page. They
            must be unique together, so the last of them is usually an id.
        with_total: whether the client wants the number of all items, which costs a COUNT.
        seal: what signs the cursors of this list, order and filters.
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
        """Make the page.

        Args:
            items: what was found, in order: up to `limit` + 1.
            position: gives the sort values of an item, in the order in which `after` has them.
            total: the number of all items, if it was asked for.
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
        Query(max_length=2000, description="`next_cursor` of the page before, as it was given."),
    ] = None,
    with_total: Annotated[bool, Query(description="Whether to count them all.")] = False,
) -> PageParams:
    """Return the page that the client asked for.

    Raises:
        InvalidCursor: the cursor was altered or belongs to another list, or comes with an offset.
    """
    if cursor is not None and offset:
        raise InvalidCursor("Give a cursor or an offset, not both.")
    paging = {"limit", "offset", "cursor", "with_total"}
    others = sorted(item for item in request.query_params.multi_items() if item[0] not in paging)
    scope = f"page cursor\0{route_path(request.scope)}?{urlencode(others)}"
    settings = await settings_of(request)
    seal = hmac.digest(settings.SECRET_KEY.get_secret_value().encode(), scope.encode(), "sha256")
    after = decode_cursor(cursor, seal) if cursor is not None else None
    return PageParams(limit, offset, after, with_total, seal)


def encode_cursor(position: Position, seal: bytes) -> str:
    """Return the text by which a client comes back to `position`, signed with `seal`."""
    typed = [(type(value).__name__, str(value)) for value in position]
    payload = dumps(typed)
    return urlsafe_b64encode(_signature(payload, seal) + payload).decode()


def decode_cursor(cursor: str, seal: bytes) -> Position:
    """Return the position in `cursor`.

    Raises:
        InvalidCursor: it was not made with this `seal`.
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
