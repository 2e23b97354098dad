"""Events that are published to JetStream."""

from typing import ClassVar
from uuid import uuid4

import pytest
from fastapi import FastAPI

from app.core.nats.connection import NatsConnection
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.request_id import request_id_context
from app.events.publisher import EventPublisher, publish_event
from app.events.schemas import BaseEvent
from tests.messages import stored

SUBJECT = "events.test.happened"


class Happened(BaseEvent):
    """Something happened in a test."""

    subject: ClassVar[str] = SUBJECT

    what: str = "it"

    @property
    def aggregate_id(self) -> str:
        return self.what


@pytest.fixture
def nats(app: FastAPI) -> NatsConnection:
    """The application's connection."""
    connection: NatsConnection = app.state.resources["nats"]
    return connection


async def test_an_event_is_stored_when_it_is_published(nats: NatsConnection) -> None:
    event = Happened(what=uuid4().hex)
    with request_id_context("the-request"):
        await EventPublisher().publish(event)
    found = (await stored(nats, EVENTS_STREAM, SUBJECT))[-1]
    assert found.headers == {
        "Nats-Msg-Id": str(event.event_id),
        "Aggregate-Id": event.what,
        "X-Request-ID": "the-request",
    }
    assert Happened.model_validate_json(found.data or b"") == event


async def test_an_event_can_be_published_outside_of_a_request(nats: NatsConnection) -> None:
    event = Happened()
    await publish_event(event)
    found = (await stored(nats, EVENTS_STREAM, SUBJECT))[-1]
    assert Happened.model_validate_json(found.data or b"") == event


async def test_data_can_be_published_on_a_subject(nats: NatsConnection) -> None:
    word = uuid4().hex
    await publish_event(SUBJECT, {"what": word})
    found = (await stored(nats, EVENTS_STREAM, SUBJECT))[-1]
    assert Happened.model_validate_json(found.data or b"").what == word


@pytest.mark.parametrize("subject", ["tasks.test.default", "events", "events.>", "events. a"])
async def test_only_subjects_of_events_are_published_on(subject: str) -> None:
    with pytest.raises(ValueError, match="is not an event subject"):
        await EventPublisher().publish({}, subject)
