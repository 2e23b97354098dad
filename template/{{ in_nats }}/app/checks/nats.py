"""Check NATS: which streams exist. Only `set_up_streams` changes anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
from nats.js.errors import NotFoundError

from app.checks.report import Inspection
from app.core.addresses import without_credentials
from app.core.config import Settings
from app.core.nats.connection import NatsConnection, nats_connection
from app.core.nats.resource import declared_streams, ensure_streams
from app.core.resource import StartupError


@asynccontextmanager
async def connected_nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield an established connection.

    Raises:
        StartupError: NATS was unreachable for `NATS_CONNECT_TIMEOUT`.
    """
    async with nats_connection(settings) as connection:
        try:
            async with asyncio.timeout(settings.NATS_CONNECT_TIMEOUT):
                await connection.connected.wait()
        except TimeoutError:
            addresses = ", ".join(map(without_credentials, settings.nats_servers))
            raise StartupError(
                f"NATS is unreachable at {addresses}: {connection.last_error or 'no reply'}. "
                "Start it, or correct NATS_URL, NATS_USER and NATS_PASSWORD.",
            ) from None
        yield connection


async def look_at_nats(settings: Settings, connection: NatsConnection) -> AsyncIterator[str]:
    """Yield a sentence about each stream: whether it exists, and how many messages it holds."""
    for stream in declared_streams(settings):
        try:
            found = await connection.js.stream_info(str(stream.name))
        except NotFoundError:
            yield f"The stream {stream.name} is missing."
        else:
            yield f"The stream {stream.name} exists, with {found.state.messages} messages."


async def set_up_streams(settings: Settings) -> list[str]:
    """Create or update the streams as declared, and return a sentence about each.

    Raises:
        StartupError: NATS is unreachable, or a stream differs in a setting that cannot be changed.
    """
    async with connected_nats(settings) as connection:
        try:
            return await ensure_streams(connection.js, settings)
        except nats.errors.Error as error:
            raise StartupError(
                f"NATS is reachable, but JetStream does not respond: {error}. Start it with -js.",
            ) from error


NATS_INSPECTION = Inspection(connected_nats, look_at_nats, prepare=set_up_streams)
