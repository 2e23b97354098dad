"""Requests for the same example at the same time, each in a transaction of its own."""

import asyncio
from uuid import UUID

import httpx2
from sqlalchemy import text

from app.core.database import get_session_context
from app.features.example.repositories import ExampleRepository
from tests.features.example.api import EXAMPLES, create, names
from tests.polling import until


async def some_wait_for_others() -> bool:
    """Return whether a transaction on the server waits for another one."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    async with get_session_context() as session:
        return bool(await session.scalar(text(blocked)))


async def test_a_change_that_waited_for_another_finds_its_version_gone(
    committing_client: httpx2.AsyncClient,
) -> None:
    example = await create(committing_client, "contended")
    path = f"{EXAMPLES}/{example['id']}"
    async with asyncio.TaskGroup() as group, get_session_context() as session:
        await ExampleRepository(session).update(UUID(example["id"]), {"quantity": 7})
        request = committing_client.patch(path, json={"quantity": 8}, headers={"If-Match": '"1"'})
        answer = group.create_task(request)
        await until(some_wait_for_others)
    assert answer.result().status_code == 412
    assert (await committing_client.get(path)).json()["data"]["quantity"] == 7


async def test_of_many_changes_of_one_version_exactly_one_wins(
    committing_client: httpx2.AsyncClient,
) -> None:
    example = await create(committing_client, "contended")
    path = f"{EXAMPLES}/{example['id']}"
    answers = await asyncio.gather(
        *(
            committing_client.patch(path, json={"quantity": n}, headers={"If-Match": '"1"'})
            for n in range(5)
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await committing_client.get(path)).json() == winner.json()


async def test_changes_of_whatever_version_is_there_all_count(
    committing_client: httpx2.AsyncClient,
) -> None:
    example = await create(committing_client, "contended")
    path = f"{EXAMPLES}/{example['id']}"
    changes = (committing_client.patch(path, json={"quantity": n}) for n in range(5))
    changed = [answer.json()["data"] for answer in await asyncio.gather(*changes)]
    assert sorted(each["version"] for each in changed) == [2, 3, 4, 5, 6]
    assert all(each["updated_at"] > example["updated_at"] for each in changed)


async def test_of_many_that_want_one_name_exactly_one_gets_it(
    committing_client: httpx2.AsyncClient,
) -> None:
    requests = (committing_client.post(EXAMPLES, json={"name": "wanted"}) for _ in range(5))
    answers = await asyncio.gather(*requests)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert await names(committing_client) == ["wanted"]
