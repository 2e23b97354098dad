"""What the command line says and does about the outbox."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.checks.outbox import STUCK_AFTER
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


async def test_what_was_set_aside_is_listed_and_what_is_on_its_way_is_not(
    session: AsyncSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await rejected(session, b"one", None)
    second = await rejected(session, b"two", "No stream takes it.")

    listed = await command(capsys)
    shown = await command(capsys, second)

    assert (listed.code, listed.errors) == (0, "")
    header, line = listed.output.splitlines()
    assert header.split() == ["id", "age", "deliveries", "subject", "reason"]
    assert line.split()[0] == second
    assert line.endswith("  -           nothing.here  No stream takes it.")
    assert shown.output.endswith("  No stream takes it.\n\ntwo\n")


async def test_what_is_retried_is_on_its_way_again_and_what_is_discarded_is_gone(
    session: AsyncSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = await rejected(session, b"one", "No stream takes it.")
    second = await rejected(session, b"two", "No stream takes it.")
    third = await rejected(session, b"three", "No stream takes it.")

    retried = await command(capsys, "--retry", first)
    discarded = await command(capsys, "--discard", second)

    assert (retried.code, discarded.code) == (0, 0)
    assert await errors(session) == {first: None, third: "No stream takes it."}

    await command(capsys, "--retry", "--all")
    nothing = await command(capsys)

    assert await errors(session) == {first: None, third: None}
    assert nothing.output == "There are none.\n"


async def test_an_outbox_that_does_not_move_is_noticed(
    session: AsyncSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await rejected(session, b"one", None)
    moves = await asyncio.to_thread(run, capsys, "check", "database")
    long_ago = func.now() - timedelta(seconds=STUCK_AFTER + 1)
    await session.execute(update(OutboxMessage).values(created_at=long_ago))
    await session.commit()
    stuck = await asyncio.to_thread(run, capsys, "check")

    assert (moves.code, stuck.code) == (0, 1)
    assert "In the outbox 1 messages wait." in moves.output
    assert "The outbox is stuck: 1 messages wait, the oldest for 6" in stuck.output
