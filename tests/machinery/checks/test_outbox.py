"""What the command line says and does about the outbox."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.outbox.messages import OutboxMessage
from tests.commands import Ended, run

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
async def session(app: FastAPI) -> AsyncIterator[AsyncSession]:
    """A session that commits; the outbox is empty before and after."""
    engine: AsyncEngine = app.state.resources["database"]
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session
        await session.execute(delete(OutboxMessage))
        await session.commit()


async def rejected(session: AsyncSession, payload: bytes, error: str | None) -> str:
    """Write a message with this error; return its id."""
    message = OutboxMessage(subject="nothing.here", headers={}, payload=payload, error=error)
    session.add(message)
    await session.commit()
    return str(message.id)


async def errors(session: AsyncSession) -> dict[str, str | None]:
    """Return the errors of what is in the outbox, by id."""
    rows = await session.execute(select(OutboxMessage.id, OutboxMessage.error))
    found = {str(row.id): row.error for row in rows}
    await session.commit()
    return found


async def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ended:
    return await asyncio.to_thread(run, capsys, "outbox", *arguments)


async def test_a_message_that_is_on_its_way_cannot_be_discarded(
    session: AsyncSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_its_way = await rejected(session, b"one", None)

    ended = await command(capsys, "--discard", on_its_way)

    assert (ended.code, await errors(session)) == (1, {on_its_way: None})
    assert ended.errors == f"No rejected message {on_its_way} is in the outbox.\n"
