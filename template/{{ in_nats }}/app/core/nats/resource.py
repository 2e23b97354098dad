"""NATS as a resource of this program: one connection, shared by all that send and receive."""

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
"""Seconds after which streams that could not be set up are tried again."""


class StreamMissing(Exception):
    """NATS is there, but not the streams. Its text says which, and how to set them up."""


@asynccontextmanager
async def open_nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield the connection, whether NATS is there yet or not; it connects by itself later."""
    async with nats_connection(settings) as connection:
        keeper = asyncio.create_task(keep_streams(connection))
        try:
            try:
                async with asyncio.timeout(settings.NATS_CONNECT_TIMEOUT):
                    await connection.connected.wait()
            except TimeoutError:
                logger.warning("NATS does not answer; going on without it until it does.")
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
    """Make the streams be as declared; does nothing where they already are.

    Returns:
        A sentence about each stream.

    Raises:
        IncompatibleStream: a stream differs in what cannot be changed; the text says in what.
        nats.errors.Error: JetStream does not answer.
    """
    return [await ensure_stream(js, config) for config in declared_streams(settings)]


async def keep_streams(connection: NatsConnection) -> None:
    """Set up the streams whenever NATS has come; the connection says what came of it."""
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
        NatsUnavailable: it does not answer.
        StreamMissing: it answers, but is not set up.
        IncompatibleStream: there is a stream of that name that this service cannot use.
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
