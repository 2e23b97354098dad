"""Examples through the API."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.features.example.api import EXAMPLES, create, names


async def test_a_created_example_is_found_where_location_says(client: httpx2.AsyncClient) -> None:
    body = {"name": " A name ", "description": "Ünïcode", "status": "active", "quantity": 3}
    answer = await client.post(EXAMPLES, json=body)
    assert answer.status_code == 201
    example = answer.json()["data"]
    assert example | body == example | {"name": " A name "}
    assert (example["name"], example["version"]) == ("A name", 1)
    assert answer.headers["Location"] == f"{EXAMPLES}/{example['id']}"

    found = await client.get(answer.headers["Location"])
    assert found.json()["data"] == example
    assert found.headers["ETag"] == answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "   "},
        {"name": "n" * 101},
        {"name": "with a \0"},
        {"description": "d" * 2001},
        {"status": "unknown"},
        {"quantity": -1},
        {"quantity": 2**31},
        {"color": "red"},
        {"quantity": True},
        {"quantity": "3"},
    ],
)
async def test_what_cannot_be_stored_is_refused(
    client: httpx2.AsyncClient,
    fields: dict[str, Any],
) -> None:
    path = f"{EXAMPLES}/{(await create(client, 'unchanged'))['id']}"
    for answer in (
        await client.post(EXAMPLES, json={"name": "new", **fields}),
        await client.patch(path, json=fields),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "validation_error")


async def test_a_taken_name_is_refused_and_nothing_is_stored(client: httpx2.AsyncClient) -> None:
    await create(client, "taken")
    path = f"{EXAMPLES}/{(await create(client, 'mine'))['id']}"
    for answer in (
        await client.post(EXAMPLES, json={"name": "taken"}),
        await client.patch(path, json={"name": "taken", "quantity": 1}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "example_name_taken")
    assert await names(client, sort="name") == ["mine", "taken"]


async def test_only_the_given_fields_change(client: httpx2.AsyncClient) -> None:
    example = await create(client, "before", description="stays", quantity=1)
    path = f"{EXAMPLES}/{example['id']}"
    answer = await client.patch(path, json={"name": "after", "quantity": None})
    changed = answer.json()["data"]
    assert answer.headers["ETag"] == '"2"'
    news = {"name": "after", "version": 2, "updated_at": changed["updated_at"]}
    assert changed == example | news
    assert (await client.get(path)).json()["data"] == changed
    assert (await client.patch(path, json={"name": None})).status_code == 422


async def test_a_deleted_example_is_gone(client: httpx2.AsyncClient) -> None:
    path = f"{EXAMPLES}/{(await create(client, 'short-lived'))['id']}"
    answer = await client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_id_is_not_found(client: httpx2.AsyncClient, method: str) -> None:
    body = {"quantity": 1} if method == "PATCH" else None
    answer = await client.request(method, f"{EXAMPLES}/{uuid4()}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (404, "example_not_found")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_only_the_version_that_was_seen_is_changed(
    client: httpx2.AsyncClient,
    method: str,
) -> None:
    path = f"{EXAMPLES}/{(await create(client, 'contended'))['id']}"
    await client.patch(path, json={"quantity": 1}, headers={"If-Match": '"1"'})
    body = {"quantity": 2} if method == "PATCH" else None
    answers = {
        tag: await client.request(method, path, json=body, headers={"If-Match": tag})
        for tag in ("1", '"1"', '"2"')
    }
    assert (answers["1"].status_code, answers["1"].json()["error"]) == (422, "invalid_if_match")
    assert (answers['"1"'].status_code, answers['"1"'].json()["error"]) == (412, "example_changed")
    assert answers['"2"'].is_success


async def test_a_list_filters_sorts_and_counts(client: httpx2.AsyncClient) -> None:
    await create(client, "Blue 100%", status="active", quantity=2)
    await create(client, "blue_green", status="active", quantity=1)
    await create(client, "blue", status="archived")
    await create(client, "red", status="active")
    blue = {"status": "active", "q": "BLUE"}
    assert await names(client, **blue, sort="quantity") == ["blue_green", "Blue 100%"]
    assert await names(client, **blue, sort="-quantity") == ["Blue 100%", "blue_green"]
    assert await names(client, q="%") == ["Blue 100%"]
    page = (await client.get(EXAMPLES, params={**blue, "with_total": True})).json()["data"]
    assert (page["total"], page["next_cursor"]) == (2, None)


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at", "-quantity"])
async def test_the_cursor_leads_through_all_pages(client: httpx2.AsyncClient, sort: str) -> None:
    for name in "abc":
        await create(client, name)
    found, query = [], {"sort": sort, "limit": "1"}
    while True:
        page = (await client.get(EXAMPLES, params=query)).json()["data"]
        found += [example["name"] for example in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == await names(client, sort=sort)
    assert sorted(found) == ["a", "b", "c"]


@pytest.mark.parametrize("query", ["sort=password", "status=unknown", "q=", "q=%00", "cursor=x"])
async def test_a_query_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient,
    query: str,
) -> None:
    assert (await client.get(f"{EXAMPLES}?{query}")).status_code == 422
