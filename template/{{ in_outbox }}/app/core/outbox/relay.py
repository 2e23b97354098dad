"""The relay sends the messages of the outbox to JetStream. One is active, others stand by."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from loguru import logger

from app.core.config import SERVICE_NAME, Settings
from app.core.dialect import LOST, OwnConnection, Record, own_connection
from app.core.nats.connection import (
    MessageRefused,
    MessageTooLarge,
    NatsConnection,
    NatsUnavailable,
    NoMatchingStream,
    OutgoingMessage,
)
from app.core.nats.resource import declared_streams
from app.core.nats.streams import covers
from app.core.outbox.messages import WAKE_UP_CHANNEL, WAKE_UP_INTERVAL, OutboxMessage

BATCH: Final = 500
"""Messages per batch."""

IDLE_INTERVAL: Final = 1
"""Seconds between two polls of an idle outbox without a notification."""

BUSY_TIME: Final = 1
"""Seconds after the last message for which the relay polls every WAKE_UP_INTERVAL."""

STANDBY_INTERVAL: Final = 1
"""Seconds between two attempts to become the active relay, or to reach the database again."""

_TABLE: Final = OutboxMessage.__tablename__
_LOCK: Final = "outbox relay"
_READ: Final = f"""
    SELECT id, subject, aggregate_id, headers, payload
    FROM {_TABLE} WHERE error IS NULL ORDER BY id LIMIT """  # noqa: S608 (ours)


async def run_relay(connection: NatsConnection, stop: asyncio.Event) -> None:
    """Relay until `stop` is set, through restarts of the database and of NATS."""
    name, last_reason = f"{SERVICE_NAME} {_LOCK}", ""
    while not stop.is_set():
        try:
            async with own_connection(connection.settings, name) as database:
                if await database.lead(_LOCK):
                    logger.info("The outbox relay is active in this process.")
                    last_reason = ""
                    await _relay_for_ever(database, connection, stop)
        except LOST as error:
            reason = str(error) or type(error).__name__
            if reason != last_reason:  # log a repeated reason once
                logger.error("The outbox relay cannot use the database: {}", reason)
            last_reason = reason
        with suppress(TimeoutError):
            async with asyncio.timeout(STANDBY_INTERVAL):
                await stop.wait()


async def _relay_for_ever(
    database: OwnConnection,
    connection: NatsConnection,
    stop: asyncio.Event,
) -> None:
    wake_up = asyncio.Event()
    await database.listen(WAKE_UP_CHANNEL, wake_up.set)
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: wake_up.set())
    clock = asyncio.get_running_loop().time
    busy_until = clock()
    try:
        while not stop.is_set():
            wake_up.clear()
            relayed = await relay_batch(database, connection)
            if relayed == BATCH:
                continue
            if relayed:
                busy_until = clock() + BUSY_TIME
            interval = WAKE_UP_INTERVAL if clock() < busy_until else IDLE_INTERVAL
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await wake_up.wait()
    finally:
        stopping.cancel()


async def relay_batch(database: OwnConnection, connection: NatsConnection) -> int:
    """Send a batch of the oldest messages, and return how many JetStream has stored."""
    if not connection.connected.is_set():
        return 0
    rows = await database.read(f"{_READ}{BATCH}")
    by_aggregate: defaultdict[object, list[Record]] = defaultdict(list)
    for row in rows:
        by_aggregate[row["aggregate_id"] or row["id"]].append(row)
    done: list[int] = []
    refused: list[tuple[int, str]] = []
    waiting: set[str] = set()
    await asyncio.gather(
        *(
            _send_in_order(connection, chain, done, refused, waiting)
            for chain in by_aggregate.values()
        ),
    )
    if waiting:
        logger.warning("The outbox relay is waiting: {}", "; ".join(sorted(waiting)))
    if done:
        await database.delete(_TABLE, done)
    if refused:
        await database.write(_TABLE, "error", refused)
    return len(done)


async def _send_in_order(
    connection: NatsConnection,
    rows: Iterable[Record],
    done: list[int],
    refused: list[tuple[int, str]],
    waiting: set[str],
) -> None:
    """Send each message when JetStream has stored the one before; stop at an outage.

    A message for which no stream exists or is declared is rejected: a batch of such messages at
    the head of the outbox would block all others.
    """
    for row in rows:
        message = OutgoingMessage(row["subject"], row["payload"], json.loads(row["headers"]))
        try:
            await connection.publish(message)
        except (NatsUnavailable, MessageRefused, MessageTooLarge) as error:
            is_refused = not isinstance(error, NatsUnavailable) or (
                isinstance(error, NoMatchingStream)
                and not _is_declared(message.subject, connection.settings)
            )
            if not is_refused:
                waiting.add(str(error))
                return
            logger.error("The message {} in the outbox was rejected: {}", row["id"], error)
            refused.append((row["id"], str(error)))
        else:
            done.append(row["id"])


def _is_declared(subject: str, settings: Settings) -> bool:
    """Return whether this service declares a stream with `subject`."""
    return any(
        covers(pattern, subject)
        for stream in declared_streams(settings)
        for pattern in stream.subjects or []
    )
