"""Reports: asked for in a request, made by a task."""

from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.outbox.messages import OutboxMessage
from app.features.example.tasks import make_example_report
from tests.features.example.api import EXAMPLES, create


async def test_a_report_can_be_read_once_it_is_made(
    client: httpx2.AsyncClient,
    session: AsyncSession,
) -> None:
    example = await create(client, "reported on")
    path = f"{EXAMPLES}/{example['id']}/report"
    assert (await client.get(path)).status_code == 404

    answer = await client.post(path)
    assert answer.status_code == 202
    task_id = answer.json()["data"]["task_id"]
    payloads = await session.scalars(select(OutboxMessage.payload))
    assert [task_id.encode() in payload for payload in payloads].count(True) == 1

    for version in (1, 2):
        await make_example_report(UUID(example["id"]))
        report = (await client.get(path)).json()["data"]
        assert report["text"] == f"reported on is draft in version {version}."
        await client.patch(f"{EXAMPLES}/{example['id']}", json={"quantity": 1})


@pytest.mark.usefixtures("transaction")
async def test_a_report_on_an_example_that_is_gone_is_no_failure() -> None:
    await make_example_report(uuid4())


async def test_no_report_is_made_on_an_unknown_example(client: httpx2.AsyncClient) -> None:
    answer = await client.post(f"{EXAMPLES}/{uuid4()}/report")
    assert (answer.status_code, answer.json()["error"]) == (404, "example_not_found")
