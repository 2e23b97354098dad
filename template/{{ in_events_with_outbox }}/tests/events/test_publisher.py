"""Events that are published in a transaction."""

from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.outbox.messages import OutboxMessage
from app.core.request_id import request_id_context
from app.events.publisher import EventPublisher, publish_event
from app.events.schemas import BaseEvent


class Happened(BaseEvent):
    """Something happened in a test."""

    subject: ClassVar[str] = "events.test.happened"

    what: str = "it"

    @property
    def aggregate_id(self) -> str:
        return self.what


async def test_an_event_is_written_with_the_change(session: AsyncSession) -> None:
    event = Happened()
    with request_id_context("the-request"):
        await EventPublisher(session).publish(event)
    (written,) = await session.scalars(select(OutboxMessage))
    assert written.subject == event.subject
    assert written.aggregate_id == "it"
    assert written.headers == {
        "Nats-Msg-Id": str(event.event_id),
        "Aggregate-Id": "it",
        "X-Request-ID": "the-request",
    }
    assert Happened.model_validate_json(written.payload) == event


async def test_an_event_dies_with_the_transaction(session: AsyncSession) -> None:
    await EventPublisher(session).publish(Happened())
    await session.rollback()
    assert (await session.scalars(select(OutboxMessage))).all() == []


async def test_outside_of_a_request_an_event_has_a_transaction_of_its_own(
    session: AsyncSession,
) -> None:
    await publish_event(Happened())
    await session.rollback()
    assert len((await session.scalars(select(OutboxMessage))).all()) == 1


async def test_data_can_be_published_on_a_subject(session: AsyncSession) -> None:
    await publish_event("events.test.happened", {"what": "that"})
    (written,) = await session.scalars(select(OutboxMessage))
    event = Happened.model_validate_json(written.payload)
    assert (written.subject, event.what) == ("events.test.happened", "that")
    assert written.headers["Nats-Msg-Id"] == str(event.event_id)


@pytest.mark.parametrize("subject", ["tasks.test.default", "events", "events.>", "events. a"])
async def test_only_subjects_of_events_are_published_on(
    session: AsyncSession,
    subject: str,
) -> None:
    with pytest.raises(ValueError, match="is not an event subject"):
        await EventPublisher(session).publish({}, subject)
