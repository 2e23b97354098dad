"""Activity: what the events of examples leave behind."""

from uuid import uuid4

import httpx2

from app.core.broker import events_broker
from app.core.outbox.inbox import handle_once
from app.events.schemas import (
    BaseEvent,
    ExampleCreatedEvent,
    ExampleDeletedEvent,
    ExampleUpdatedEvent,
)
from tests.features.example.api import EXAMPLES


async def handle(event: BaseEvent) -> None:
    """Handle `event` as the worker does when it arrives."""
    for handler in events_broker.handlers.values():
        if handler.schema is type(event):
            await handle_once(handler, event)


async def test_what_happened_is_listed_once_and_oldest_first(client: httpx2.AsyncClient) -> None:
    example_id = uuid4()
    for event in (
        created := ExampleCreatedEvent(example_id=example_id, name="observed"),
        created,
        ExampleCreatedEvent(example_id=uuid4(), name="another"),
        ExampleUpdatedEvent(example_id=example_id, changed=["name"]),
        ExampleDeletedEvent(example_id=example_id),
    ):
        await handle(event)
    answer = await client.get(f"{EXAMPLES}/{example_id}/activity")
    actions = [activity["action"] for activity in answer.json()["data"]["items"]]
    assert actions == ["created", "updated", "deleted"]
