"""Activity: what the events of examples leave behind."""

from uuid import UUID, uuid4

import httpx2
import pytest

from app.core.broker import events_broker
from app.core.outbox.inbox import handle_once
from app.events.schemas import (
    BaseEvent,
    ExampleCreatedEvent,
    ExampleDeletedEvent,
    ExampleUpdatedEvent,
)
from tests.features.example.api import EXAMPLES

pytestmark = pytest.mark.usefixtures("transaction")


async def handle(event: BaseEvent) -> None:
    """Handle `event` as the worker does when it arrives."""
    for handler in events_broker.handlers.values():
        if handler.schema is type(event):
            await handle_once(handler, event)


async def actions(client: httpx2.AsyncClient, example_id: UUID) -> list[str]:
    answer = await client.get(f"{EXAMPLES}/{example_id}/activity")
    assert answer.status_code == 200, answer.text
    return [activity["action"] for activity in answer.json()["data"]["items"]]


async def test_what_happened_is_listed_oldest_first(client: httpx2.AsyncClient) -> None:
    example_id, other_id = uuid4(), uuid4()
    await handle(ExampleCreatedEvent(example_id=example_id, name="observed"))
    await handle(ExampleCreatedEvent(example_id=other_id, name="another"))
    await handle(ExampleUpdatedEvent(example_id=example_id, changed=["name"]))
    await handle(ExampleDeletedEvent(example_id=example_id))
    assert await actions(client, example_id) == ["created", "updated", "deleted"]

    path = f"{EXAMPLES}/{example_id}/activity"
    first = (await client.get(path, params={"limit": 2})).json()["data"]
    query = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await client.get(path, params=query)).json()["data"]
    assert [activity["action"] for activity in second["items"]] == ["deleted"]
    assert second["next_cursor"] is None


async def test_an_event_that_comes_again_is_listed_once(client: httpx2.AsyncClient) -> None:
    event = ExampleCreatedEvent(example_id=uuid4(), name="observed")
    await handle(event)
    await handle(event)
    assert await actions(client, event.example_id) == ["created"]


async def test_of_an_unknown_example_nothing_is_listed(client: httpx2.AsyncClient) -> None:
    assert await actions(client, uuid4()) == []
