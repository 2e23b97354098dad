"""Cursors: whatever goes in comes out, and nothing else gets through."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from app.common.pagination import InvalidCursor, Position, decode_cursor, encode_cursor

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


@pytest.mark.parametrize("cursor", ["", "a", "====", "ü", "AAAA", "🙂" * 8])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, SEAL)


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = encode_cursor(("name", uuid4()), b"another key")
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, SEAL)
