"""A look at NATS: which streams are there. Nothing is set up unless that is asked for."""

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
    """Yield a connection that is there.

    Raises:
        StartupError: NATS did not answer within `NATS_CONNECT_TIMEOUT`.
    """
    async with nats_connection(settings) as connection:
        try:
            async with asyncio.timeout(settings.NATS_CONNECT_TIMEOUT):
                await connection.connected.wait()
        except TimeoutError:
            addresses = ", ".join(map(without_credentials, settings.nats_servers))
            raise StartupError(
                f"NATS does not answer at {addresses}: {connection.last_error or 'no reply'}. "
                "Start it, or correct NATS_URL, NATS_USER and NATS_PASSWORD.",
            ) from None
        yield connection


async def look_at_nats(settings: Settings, connection: NatsConnection) -> AsyncIterator[str]:
    """Yield for each stream whether it is there and what it holds."""
    for stream in declared_streams(settings):
        try:
            found = await connection.js.stream_info(str(stream.name))
        except NotFoundError:
            yield f"The stream {stream.name} is missing."
        else:
            yield f"The stream {stream.name} is there, with {found.state.messages} messages."


async def set_up_streams(settings: Settings) -> list[str]:
    """Make the streams be as declared, and return a sentence about each.

    Raises:
        StartupError: NATS does not answer, or a stream differs in what cannot be changed.
    """
    async with connected_nats(settings) as connection:
        try:
            return await ensure_streams(connection.js, settings)
        except nats.errors.Error as error:
            raise StartupError(
                f"NATS is there, but JetStream does not answer: {error}. Start it with -js.",
            ) from error


NATS_INSPECTION = Inspection(connected_nats, look_at_nats, prepare=set_up_streams)
