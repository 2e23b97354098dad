"""Streams that refuse messages, cannot be used, or are set up again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.js.api import RetentionPolicy

from app.core.nats.connection import NatsConnection
from app.core.nats.resource import ensure_streams, keep_streams
from app.core.nats.streams import DEAD_LETTERS_STREAM


@asynccontextmanager
async def refusing(connection: NatsConnection, stream: str) -> AsyncIterator[None]:
    """Have a stream refuse every message for a while."""
    config = (await connection.js.stream_info(stream)).config
    await connection.js.update_stream(config.evolve(max_msg_size=1))
    try:
        yield
    finally:
        await connection.js.update_stream(config)


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
