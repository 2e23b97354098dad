"""Connections to NATS of a test's own, what runs on them, and what the streams hold."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from app.core.config import Settings
from app.core.nats.connection import NatsConnection, nats_connection
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from tests.polling import until


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield a connection that is there."""
    async with nats_connection(settings) as connection:
        await connection.connected.wait()
        yield connection


@asynccontextmanager
async def running(
    run: Callable[[asyncio.Event], Coroutine[None, None, None]],
) -> AsyncIterator[None]:
    """Run what runs until its event is set; in the end, set that and wait for what is under way."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run(stop))
        yield
        stop.set()


async def stored(connection: NatsConnection, stream: str, subject: str) -> list[RawStreamMsg]:
    """Return what a stream holds on a subject, oldest first."""
    found: list[RawStreamMsg] = []
    while True:
        after = found[-1].seq or 0 if found else 0
        try:
            message = await connection.js.get_msg(stream, after + 1, subject=subject, next=True)
        except NotFoundError:
            return found
        found.append(message)


async def dead_letter(connection: NatsConnection, kind: str, holding: bytes) -> dict[str, str]:
    """Wait for the one dead letter whose payload holds these bytes; return its headers."""

    async def look() -> list[RawStreamMsg]:
        letters = await stored(connection, DEAD_LETTERS_STREAM, dead_letter_subject(kind))
        return [letter for letter in letters if holding in (letter.data or b"")]

    (letter,) = await until(look)
    return letter.headers or {}
