"""The streams of the tests, of which nothing is left on a NATS server of yours.

They use the streams of the service there, which they empty and delete; so nothing else may use that
server, and one run at a time.
"""

import asyncio
from contextlib import suppress

from nats.js.errors import NotFoundError

from app.core.config import Settings
from app.core.nats.connection import nats_connection
from app.core.nats.resource import declared_streams


async def delete_streams(settings: Settings) -> None:
    """Delete the streams of this service, with all their messages."""
    async with nats_connection(settings) as connection:
        async with asyncio.timeout(settings.STARTUP_TIMEOUT):
            await connection.connected.wait()
        for stream in declared_streams(settings):
            with suppress(NotFoundError):
                await connection.js.delete_stream(str(stream.name))
