"""Cursors: whatever goes in comes out, and nothing else gets through."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from app.common.pagination import InvalidCursor, PageParams, Position, decode_cursor, encode_cursor

SEAL = b"a key of the test"


@pytest.mark.parametrize(
    "position",
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), uuid4()),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=8))), uuid4()),
        (-(2**63), uuid4()),
        ("2026-01-02", uuid4()),
        ('quotes " and 中文\n' * 5, uuid4()),
        (7,),
    ],
)
def test_a_position_comes_back_as_it_was(position: Position) -> None:
    cursor = encode_cursor(position, SEAL)
    assert decode_cursor(cursor, SEAL) == position
    assert cursor.isascii()


def test_a_cursor_that_was_altered_anywhere_is_refused() -> None:
    signed = bytearray(urlsafe_b64decode(encode_cursor(("name", uuid4()), SEAL)))
    for index in range(len(signed)):
        altered = signed.copy()
        altered[index] ^= 1
        with pytest.raises(InvalidCursor):
            decode_cursor(urlsafe_b64encode(altered).decode(), SEAL)


@pytest.mark.parametrize("cursor", ["", "a", "====", "ü", "AAAA", "🙂" * 8])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, SEAL)


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = encode_cursor(("name", uuid4()), b"another key")
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, SEAL)


def test_only_a_page_with_something_after_it_has_a_cursor() -> None:
    params = PageParams(limit=2, offset=0, after=None, with_total=False, seal=SEAL)
    last = params.page([1, 2], lambda item: (item,))
    assert (last.items, last.next_cursor) == ([1, 2], None)

    page = params.page([1, 2, 3], lambda item: (item,), total=3)
    assert (page.items, page.total) == ([1, 2], 3)
    assert page.next_cursor is not None
    assert decode_cursor(page.next_cursor, SEAL) == (2,)
