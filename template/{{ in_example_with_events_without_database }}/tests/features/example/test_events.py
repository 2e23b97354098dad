"""What examples tell others."""

import httpx2
import pytest
from fastapi import FastAPI

from app.core.broker import events_broker
from app.core.nats.connection import NatsConnection
from app.core.nats.event_streams import EVENTS_STREAM
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent
from app.events.subjects import EXAMPLE_CREATED, EXAMPLE_DELETED, EXAMPLE_UPDATED
from tests.features.example.api import EXAMPLES, create, names


async def test_every_change_is_announced(app: FastAPI, client: httpx2.AsyncClient) -> None:
    example = await create(client, "announced")
    path = f"{EXAMPLES}/{example['id']}"
    await client.patch(path, json={"quantity": 1, "status": "active"})
    await client.delete(path)

    async def last(subject: str) -> bytes:
        connection: NatsConnection = app.state.resources["nats"]
        return (await connection.js.get_last_msg(EVENTS_STREAM, subject)).data or b""

    created = ExampleCreatedEvent.model_validate_json(await last(EXAMPLE_CREATED))
    updated = ExampleUpdatedEvent.model_validate_json(await last(EXAMPLE_UPDATED))
    deleted = ExampleDeletedEvent.model_validate_json(await last(EXAMPLE_DELETED))
    assert {str(event.example_id) for event in (created, updated, deleted)} == {example["id"]}
    assert (created.name, updated.changed) == ("announced", ["quantity", "status"])


async def test_a_change_that_cannot_be_announced_is_not_made(
    client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = await create(client, "stays as it is")
    path = f"{EXAMPLES}/{example['id']}"
    with monkeypatch.context() as patch:
        patch.setattr(events_broker, "connection", None)  # as before NATS was opened
        for refused in (
            await client.post(EXAMPLES, json={"name": "not announced"}),
            await client.patch(path, json={"quantity": 7}),
            await client.delete(path),
        ):
            assert refused.status_code == 503
    assert (await client.get(path)).json()["data"] == example
    assert await names(client, q="not announced") == []
