"""Tasks that are sent in a transaction."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.nats.connection import MAX_MESSAGE_SIZE, MessageTooLarge
from app.core.outbox.messages import OutboxMessage
from app.core.request_id import request_id_context
from app.core.tasks.broker import CustomJetStreamBroker
from app.core.tasks.sender import TaskSender
from app.core.tasks.streams import TASKS_SUBJECT

broker = CustomJetStreamBroker()


@broker.task
async def note(word: str) -> None: ...


@broker.task(delay=60)
async def note_later(word: str) -> None: ...


async def test_a_task_is_written_with_its_id_and_the_request_that_sent_it(
    session: AsyncSession,
) -> None:
    with request_id_context("the-request"):
        task_id = await TaskSender(session).send(note, "a word")
    (written,) = await session.scalars(select(OutboxMessage))
    assert written.subject == TASKS_SUBJECT
    assert written.headers["Nats-Msg-Id"] == f"{task_id}.0"
    task = broker.formatter.loads(written.payload)
    assert (task.task_id, task.args) == (task_id, ["a word"])
    assert task.labels["request_id"] == "the-request"


async def test_a_task_with_a_delay_is_written_with_its_time(session: AsyncSession) -> None:
    await TaskSender(session).send(note_later, "a word")
    (written,) = await session.scalars(select(OutboxMessage))
    assert written.headers["Nats-Schedule"].startswith("@at ")
    assert written.headers["Nats-Schedule-Target"] == TASKS_SUBJECT


async def test_a_task_dies_with_the_transaction(session: AsyncSession) -> None:
    await TaskSender(session).send(note, "a word")
    await session.rollback()
    assert (await session.scalars(select(OutboxMessage))).all() == []


async def test_arguments_that_are_too_large_are_refused(session: AsyncSession) -> None:
    with pytest.raises(MessageTooLarge, match="pass its key"):
        await TaskSender(session).send(note, "x" * MAX_MESSAGE_SIZE)
