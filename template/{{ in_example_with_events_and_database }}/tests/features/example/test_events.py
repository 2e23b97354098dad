"""What examples tell others, and that nothing is told that did not happen."""

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.outbox.messages import OutboxMessage
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent
from app.events.subjects import EXAMPLE_CREATED, EXAMPLE_DELETED, EXAMPLE_UPDATED
from tests.features.example.api import EXAMPLES, create


async def test_every_change_is_announced_in_order(
    client: httpx2.AsyncClient,
    session: AsyncSession,
) -> None:
    example = await create(client, "announced")
    path = f"{EXAMPLES}/{example['id']}"
    await client.patch(path, json={"quantity": 1, "status": "active"})
    await client.delete(path)

    messages = (await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))).all()
    subjects = [message.subject for message in messages]
    assert subjects == [EXAMPLE_CREATED, EXAMPLE_UPDATED, EXAMPLE_DELETED]
    created = ExampleCreatedEvent.model_validate_json(messages[0].payload)
    updated = ExampleUpdatedEvent.model_validate_json(messages[1].payload)
    deleted = ExampleDeletedEvent.model_validate_json(messages[2].payload)
    assert {str(event.example_id) for event in (created, updated, deleted)} == {example["id"]}
    assert (created.name, updated.changed) == ("announced", ["quantity", "status"])


async def test_a_refused_change_is_not_announced(
    client: httpx2.AsyncClient,
    session: AsyncSession,
) -> None:
    example = await create(client, "taken")
    other = await create(client, "other")
    await client.post(EXAMPLES, json={"name": "taken"})
    await client.patch(f"{EXAMPLES}/{other['id']}", json={"name": "taken"})
    await client.delete(f"{EXAMPLES}/{example['id']}", headers={"If-Match": '"2"'})
    subjects = (await session.scalars(select(OutboxMessage.subject))).all()
    assert subjects == [EXAMPLE_CREATED, EXAMPLE_CREATED]
