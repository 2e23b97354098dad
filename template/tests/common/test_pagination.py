"""Cursors: whatever goes in comes out, and nothing else gets through."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.common.pagination import (
    InvalidCursor,
    Page,
    PageParams,
    PageParamsDep,
    decode_cursor,
    encode_cursor,
)
from app.core.config import Settings
from tests.asgi import client_of, small_app

SEAL = b"a key of the test"


def test_a_cursor_that_was_altered_anywhere_is_refused() -> None:
    signed = bytearray(urlsafe_b64decode(encode_cursor(("name", uuid4()), SEAL)))
    for index in range(len(signed)):
        altered = signed.copy()
        altered[index] ^= 1
        with pytest.raises(InvalidCursor):
            decode_cursor(urlsafe_b64encode(altered).decode(), SEAL)


def test_only_a_page_with_something_after_it_has_a_cursor() -> None:
    params = PageParams(limit=2, offset=0, after=None, with_total=False, seal=SEAL)
    last = params.page([1, 2], lambda item: (item,))
    assert (last.items, last.next_cursor) == ([1, 2], None)

    page = params.page([1, 2, 3], lambda item: (item,), total=3)
    assert (page.items, page.total) == ([1, 2], 3)
    assert page.next_cursor is not None
    assert decode_cursor(page.next_cursor, SEAL) == (2,)


async def test_a_cursor_serves_only_the_list_that_gave_it(settings: Settings) -> None:
    app = small_app()
    app.state.settings = settings.model_copy(update={"SECRET_KEY": SecretStr("k" * 32)})

    @app.get("/numbers")
    async def numbers(page: PageParamsDep, sort: str = "up", parity: str = "any") -> Page[int]:
        return page.page([*range(10)], lambda number: (number,))

    async with client_of(app) as client:

        async def status(query: dict[str, Any]) -> tuple[int, str | None]:
            answer = await client.get("/numbers", params=query)
            return answer.status_code, answer.json().get("error")

        first = await client.get("/numbers", params={"limit": 2, "sort": "up"})
        cursor = first.json()["data"]["next_cursor"]
        same = {"cursor": cursor, "sort": "up", "limit": 3, "with_total": True}
        assert await status(same) == (200, None)
        for query in (
            {"cursor": cursor, "sort": "down"},
            {"cursor": cursor, "sort": "up", "parity": "odd"},
            {"cursor": "nonsense ü", "sort": "up"},
            {"cursor": cursor, "sort": "up", "offset": 1},
        ):
            assert await status(query) == (422, "invalid_cursor"), query
        for query in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 10**20}):
            assert await status(query) == (422, "validation_error"), query
