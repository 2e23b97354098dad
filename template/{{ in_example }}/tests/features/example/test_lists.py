"""Lists of examples: pages, filters, order."""

from typing import Any

import httpx2
import pytest

from tests.features.example.api import EXAMPLES, create, names, page

LETTERS = ["a", "b", "c", "d", "e"]


async def all_names(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    """Return the names on all pages, followed by their cursors."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await page(client, **query, **cursor)
        found += [example["name"] for example in answer["items"]]
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


@pytest.fixture
async def five(client: httpx2.AsyncClient) -> None:
    for quantity, name in enumerate(LETTERS):
        await create(client, name, quantity=quantity // 2)


async def test_without_examples_the_list_is_empty(client: httpx2.AsyncClient) -> None:
    assert await page(client) == {"items": [], "next_cursor": None, "total": None}


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("limit", [2, 5])
@pytest.mark.parametrize("sort", ["name", "quantity", "created_at"])
async def test_the_cursor_leads_through_all_pages_either_way(
    client: httpx2.AsyncClient,
    sort: str,
    limit: int,
) -> None:
    upwards = await all_names(client, sort=sort, limit=limit)
    assert sorted(upwards) == LETTERS
    assert await all_names(client, sort=f"-{sort}", limit=limit) == upwards[::-1]
    if sort == "name":
        assert upwards == LETTERS


@pytest.mark.usefixtures("five")
async def test_rows_that_come_and_go_neither_repeat_nor_hide_others(
    client: httpx2.AsyncClient,
) -> None:
    first = await page(client, sort="name", limit=2)
    await create(client, "aa")  # an offset of 2 would show "b" again
    await client.delete(f"{EXAMPLES}/{first['items'][1]['id']}")
    second = await names(client, sort="name", limit=2, cursor=first["next_cursor"])
    assert second == ["c", "d"]


@pytest.mark.usefixtures("five")
async def test_an_offset_skips_and_a_total_counts_what_matches(client: httpx2.AsyncClient) -> None:
    answer = await page(client, sort="name", offset=3, limit=1, with_total=True)
    assert [example["name"] for example in answer["items"]] == ["d"]
    assert answer["total"] == 5
    assert (await page(client, q="a", with_total=True))["total"] == 1
    assert await names(client, offset=5) == []


async def test_filters_and_order_work_together(client: httpx2.AsyncClient) -> None:
    await create(client, "Blue 100%", status="active", quantity=2)
    await create(client, "blue_green", status="active", quantity=1)
    await create(client, "blue", status="archived")
    await create(client, "red", status="active")
    assert await names(client, status="active", q="BLUE", sort="quantity") == [
        "blue_green",
        "Blue 100%",
    ]
    assert await names(client, q="%") == ["Blue 100%"]
    assert await names(client, q="_") == ["blue_green"]
    assert (await page(client, status="active", with_total=True))["total"] == 3


async def test_the_newest_come_first(client: httpx2.AsyncClient) -> None:
    older, newer = await create(client, "older"), await create(client, "newer")
    listed = (await page(client))["items"]
    assert listed == sorted(
        [older, newer],
        key=lambda example: (example["created_at"], example["id"]),
        reverse=True,
    )


@pytest.mark.usefixtures("five")
async def test_a_cursor_serves_only_the_list_that_gave_it(client: httpx2.AsyncClient) -> None:
    cursor = (await page(client, sort="name", limit=2))["next_cursor"]
    assert await names(client, sort="name", limit=3, cursor=cursor, with_total=True) == LETTERS[2:]
    altered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for query in (
        {"sort": "-name", "cursor": cursor},
        {"sort": "name", "cursor": cursor, "q": "a"},
        {"sort": "name", "cursor": altered},
        {"sort": "name", "cursor": "nonsense ü"},
        {"sort": "name", "cursor": cursor, "offset": 1},
    ):
        answer = await client.get(EXAMPLES, params=query)
        assert answer.status_code == 422, query
        assert answer.json()["error"] == "invalid_cursor"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"offset": 10**20},
        {"sort": "password"},
        {"status": "unknown"},
        {"q": ""},
        {"q": "\0"},
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient,
    query: dict[str, Any],
) -> None:
    answer = await client.get(EXAMPLES, params=query)
    assert answer.status_code == 422
    assert answer.json()["error"] == "validation_error"
