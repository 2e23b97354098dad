"""The streams of the tests, of which nothing is left on a NATS server of yours.

They use the streams of the service there, which they empty and delete; so nothing else may use that
server, and one run at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from nats.js.api import RetentionPolicy
from nats.js.errors import NotFoundError

from app.core.config import Settings
from app.core.nats.connection import NatsConnection, nats_connection
from app.core.nats.resource import declared_streams, ensure_streams, keep_streams
from app.core.nats.streams import DEAD_LETTERS_STREAM


async def delete_streams(settings: Settings) -> None:
    """Delete the streams of this service, with all their messages."""
    async with nats_connection(settings) as connection:
        async with asyncio.timeout(settings.STARTUP_TIMEOUT):
            await connection.connected.wait()
        for stream in declared_streams(settings):
            with suppress(NotFoundError):
                await connection.js.delete_stream(str(stream.name))


@asynccontextmanager
async def keeping_streams(nats: NatsConnection) -> AsyncIterator[None]:
    """Set up the streams whenever NATS has come, as programs do."""
    keeper = asyncio.create_task(keep_streams(nats))
    try:
        yield
    finally:
        keeper.cancel()


@asynccontextmanager
async def useless_dead_letters(nats: NatsConnection) -> AsyncIterator[None]:
    """Have a stream for dead letters that this service cannot use, as another program may make."""
    found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    await nats.js.delete_stream(DEAD_LETTERS_STREAM)
    await nats.js.add_stream(found.evolve(retention=RetentionPolicy.WORK_QUEUE))
    try:
        yield
    finally:
        await nats.js.delete_stream(DEAD_LETTERS_STREAM)
        await ensure_streams(nats.js, nats.settings)
