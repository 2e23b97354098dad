"""Tasks that are sent from a request."""

from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.nats.connection import MAX_MESSAGE_SIZE, MessageTooLarge, NatsUnavailable
from app.core.request_id import request_id_context
from app.core.tasks.broker import CustomJetStreamBroker
from app.core.tasks.sender import TaskSender
from app.core.tasks.streams import TASKS_SUBJECT
from tests.messages import connected, stored


@pytest.fixture
def broker() -> CustomJetStreamBroker:
    """A broker that is not open."""
    return CustomJetStreamBroker()


async def test_a_task_is_stored_when_it_is_sent(
    broker: CustomJetStreamBroker,
    settings: Settings,
) -> None:
    @broker.task
    async def note(word: str) -> None: ...

    word = uuid4().hex
    async with connected(settings) as nats:
        await broker.open(nats)
        with request_id_context("the-request"):
            task_id = await TaskSender().send(note, word)
        found = (await stored(nats, settings.NATS_STREAM, TASKS_SUBJECT))[-1]
        await nats.js.purge_stream(settings.NATS_STREAM)
    task = broker.formatter.loads(found.data or b"")
    assert (task.task_id, task.args) == (task_id, [word])
    assert task.labels["request_id"] == "the-request"


async def test_arguments_that_are_too_large_are_refused(
    broker: CustomJetStreamBroker,
    settings: Settings,
) -> None:
    @broker.task
    async def note(word: str) -> None: ...

    async with connected(settings) as nats:
        await broker.open(nats)
        with pytest.raises(MessageTooLarge, match="pass its key"):
            await TaskSender().send(note, "x" * MAX_MESSAGE_SIZE)


async def test_sending_says_that_nats_is_not_there(broker: CustomJetStreamBroker) -> None:
    @broker.task
    async def note() -> None: ...

    with pytest.raises(NatsUnavailable):
        await TaskSender().send(note)
