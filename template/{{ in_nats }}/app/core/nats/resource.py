"""NATS as a resource: one connection per process, shared by all senders and consumers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import nats.errors
from loguru import logger
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from app.core.broker import BROKERS
from app.core.config import SERVICE_NAME, Settings
from app.core.nats.connection import NatsConnection, NatsUnavailable, nats_connection
from app.core.nats.streams import dead_letters_stream, ensure_stream, require_usable
from app.core.resource import Resource, StartupError

STREAMS_RETRY_INTERVAL: Final = 1
"""Seconds between two attempts to set up the streams."""


class StreamMissing(Exception):
    """Streams are missing. The text names them, and the command that sets them up."""


@asynccontextmanager
async def open_nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield the connection; if NATS is unreachable, it connects later by itself."""
    async with nats_connection(settings) as connection:
        keeper = asyncio.create_task(keep_streams(connection))
        try:
            try:
                async with asyncio.timeout(settings.NATS_CONNECT_TIMEOUT):
                    await connection.connected.wait()
            except TimeoutError:
                logger.warning("NATS is unreachable; starting without it, and connecting later.")
            for broker in BROKERS:
                await broker.open(connection)
            yield connection
        finally:
            for broker in BROKERS:
                await broker.close()
            keeper.cancel()


def declared_streams(settings: Settings) -> list[StreamConfig]:
    """Return every stream that this service needs."""
    return [*(broker.stream(settings) for broker in BROKERS), dead_letters_stream()]


async def ensure_streams(js: JetStreamContext, settings: Settings) -> list[str]:
    """Create or update the streams as declared; idempotent.

    Returns:
        A sentence about each stream.

    Raises:
        IncompatibleStream: a stream differs in a setting that cannot be changed.
        nats.errors.Error: JetStream does not respond.
    """
    return [await ensure_stream(js, config) for config in declared_streams(settings)]


async def keep_streams(connection: NatsConnection) -> None:
    """Set up the streams after every connect; record the result on the connection."""
    while True:
        await connection.connected.wait()
        try:
            await ensure_streams(connection.js, connection.settings)
        except StartupError as error:
            logger.error("{}", error)
            connection.streams_error = error
        except (TimeoutError, nats.errors.Error) as error:
            logger.warning("The streams cannot be set up yet: {}", error)
            await asyncio.sleep(STREAMS_RETRY_INTERVAL)
            continue
        else:
            connection.streams_error = None
        connection.streams_settled.set()
        await connection.disconnected.wait()


async def check_nats(connection: NatsConnection) -> str:
    """Return the server's version and the streams, such as `NATS 2.15.1, streams A, B`.

    Raises:
        NatsUnavailable: NATS is unreachable.
        StreamMissing: a stream does not exist.
        IncompatibleStream: a stream of that name exists, and this service cannot use it.
    """
    if not connection.connected.is_set():
        raise NatsUnavailable
    names, missing = [], []
    for wanted in declared_streams(connection.settings):
        name = str(wanted.name)
        names.append(name)
        try:
            found = await connection.js.stream_info(name)
        except NotFoundError:
            missing.append(name)
        else:
            require_usable(found.config, wanted)
    if missing:
        raise StreamMissing(
            f"The streams are not set up: {', '.join(missing)}; run `{SERVICE_NAME} streams` or "
            "scripts/setup_jetstream.py.",
        )
    version = connection.client.connected_server_version
    return f"NATS {version.major}.{version.minor}.{version.patch}, streams {', '.join(names)}"


NATS = Resource("nats", open_nats, check_nats)
