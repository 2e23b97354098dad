"""Reports: asked for in a request, made by a task."""

from uuid import uuid4

import httpx2
from fastapi import FastAPI

from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.tasks.streams import TASKS_SUBJECT
from tests.features.example.api import EXAMPLES, create


async def test_a_report_is_asked_for_by_a_task(
    app: FastAPI,
    client: httpx2.AsyncClient,
    settings: Settings,
) -> None:
    example = await create(client, "reported on")
    answer = await client.post(f"{EXAMPLES}/{example['id']}/report")
    assert answer.status_code == 202
    connection: NatsConnection = app.state.resources["nats"]
    message = await connection.js.get_last_msg(settings.NATS_STREAM, TASKS_SUBJECT)
    assert message.data is not None
    assert answer.json()["data"]["task_id"].encode() in message.data
    assert example["id"].encode() in message.data


async def test_no_report_is_made_on_an_unknown_example(client: httpx2.AsyncClient) -> None:
    answer = await client.post(f"{EXAMPLES}/{uuid4()}/report")
    assert (answer.status_code, answer.json()["error"]) == (404, "example_not_found")
