"""Examples through the API, one at a time."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.features.example.api import EXAMPLES, create, names


async def test_a_created_example_is_found_where_location_says(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        EXAMPLES,
        json={"name": " A name ", "description": "Ünïcode", "status": "active", "quantity": 3},
    )
    assert answer.status_code == 201
    example = answer.json()["data"]
    assert (example["name"], example["description"]) == ("A name", "Ünïcode")
    assert (example["status"], example["quantity"], example["version"]) == ("active", 3, 1)
    assert datetime.fromisoformat(example["created_at"]).tzinfo is not None
    assert answer.headers["Location"] == f"{EXAMPLES}/{example['id']}"

    found = await client.get(answer.headers["Location"])
    assert found.json()["data"] == example
    assert found.headers["ETag"] == answer.headers["ETag"] == '"1"'


async def test_an_example_needs_no_more_than_a_name(client: httpx2.AsyncClient) -> None:
    example = await create(client, "bare")
    assert (example["description"], example["status"], example["quantity"]) == ("", "draft", 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "n" * 101},
        {"name": "with a \0"},
        {"name": None},
        {"name": "n", "description": "d" * 2001},
        {"name": "n", "status": "unknown"},
        {"name": "n", "quantity": -1},
        {"name": "n", "quantity": 2**31},
        {"name": "n", "color": "red"},
    ],
)
async def test_an_example_that_cannot_be_stored_is_refused(
    client: httpx2.AsyncClient,
    body: dict[str, Any],
) -> None:
    answer = await client.post(EXAMPLES, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "validation_error"


async def test_half_a_character_is_refused(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(EXAMPLES, content=rb'{"name": "\ud800"}', headers=headers)
    assert answer.status_code == 422


async def test_a_taken_name_is_refused_and_nothing_is_stored(client: httpx2.AsyncClient) -> None:
    await create(client, "taken")
    answer = await client.post(EXAMPLES, json={"name": "taken"})
    assert answer.status_code == 409
    assert answer.json()["error"] == "example_name_taken"
    assert await names(client, q="taken") == ["taken"]


async def test_only_the_given_fields_change(client: httpx2.AsyncClient) -> None:
    example = await create(client, "before", description="stays", quantity=1)
    answer = await client.patch(f"{EXAMPLES}/{example['id']}", json={"name": "after"})
    changed = answer.json()["data"]
    assert (changed["name"], changed["description"], changed["quantity"]) == ("after", "stays", 1)
    assert (changed["version"], answer.headers["ETag"]) == (2, '"2"')
    assert changed["created_at"] == example["created_at"]
    assert (await client.get(f"{EXAMPLES}/{example['id']}")).json()["data"] == changed


async def test_an_example_cannot_take_the_name_of_another(client: httpx2.AsyncClient) -> None:
    await create(client, "taken")
    example = await create(client, "mine")
    answer = await client.patch(f"{EXAMPLES}/{example['id']}", json={"name": "taken"})
    assert answer.status_code == 409
    assert (await client.get(f"{EXAMPLES}/{example['id']}")).json()["data"] == example


@pytest.mark.parametrize("body", [{}, {"name": None}, {"quantity": -1}, {"version": 7}])
async def test_a_change_that_changes_nothing_or_too_much_is_refused(
    client: httpx2.AsyncClient,
    body: dict[str, Any],
) -> None:
    example = await create(client, "unchanged")
    answer = await client.patch(f"{EXAMPLES}/{example['id']}", json=body)
    assert answer.status_code == 422


async def test_a_deleted_example_is_gone(client: httpx2.AsyncClient) -> None:
    example = await create(client, "short-lived")
    answer = await client.delete(f"{EXAMPLES}/{example['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"{EXAMPLES}/{example['id']}")).status_code == 404
    assert (await client.delete(f"{EXAMPLES}/{example['id']}")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_id_is_not_found(client: httpx2.AsyncClient, method: str) -> None:
    body = {"quantity": 1} if method == "PATCH" else None
    answer = await client.request(method, f"{EXAMPLES}/{uuid4()}", json=body)
    assert answer.status_code == 404
    assert answer.json() == {
        "code": 404,
        "message": "No example has this id.",
        "data": None,
        "error": "example_not_found",
    }


@pytest.mark.parametrize("if_match", ['"1"', '"998"', '"abc"', 'W/"2"', '"1", "3"'])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_version_that_is_not_there_is_left_alone(
    client: httpx2.AsyncClient,
    method: str,
    if_match: str,
) -> None:
    example = await create(client, "contended")
    path = f"{EXAMPLES}/{example['id']}"
    fresh = await client.patch(path, json={"quantity": 1}, headers={"If-Match": '"1"'})
    assert fresh.status_code == 200

    body = {"quantity": 2} if method == "PATCH" else None
    stale = await client.request(method, path, json=body, headers={"If-Match": if_match})
    assert stale.status_code == 412
    assert stale.json()["error"] == "example_changed"
    assert (await client.get(path)).json()["data"] == fresh.json()["data"]


@pytest.mark.parametrize("if_match", ['"1"', '"998", "1"', "*"])
async def test_the_version_that_is_there_may_be_deleted(
    client: httpx2.AsyncClient,
    if_match: str,
) -> None:
    example = await create(client, "seen")
    path = f"{EXAMPLES}/{example['id']}"
    assert (await client.delete(path, headers={"If-Match": if_match})).status_code == 204


async def test_an_if_match_that_is_no_etag_is_refused(client: httpx2.AsyncClient) -> None:
    example = await create(client, "kept")
    path = f"{EXAMPLES}/{example['id']}"
    for if_match in ("1", '"1" "2"'):
        answer = await client.delete(path, headers={"If-Match": if_match})
        assert answer.status_code == 422
        assert answer.json()["error"] == "invalid_if_match"
