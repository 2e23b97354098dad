"""Consume messages from JetStream through outages: ack heartbeat, retry delays, dead letters."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, Literal

import nats.errors
from loguru import logger
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, Header

from app.core.nats.connection import MessageRefused, NatsConnection, OutgoingMessage
from app.core.nats.pull import ConsumerLost, Pull, Slots
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject

RETRY_INTERVAL: Final = 1
"""Seconds between two attempts to use a consumer."""

MAX_DELAY: Final = 60
"""Seconds between two attempts, at most."""

MAX_REASON_LENGTH: Final = 500

# The headers of a dead letter.
SUBJECT_HEADER: Final = "Dead-Letter-Subject"
DELIVERIES_HEADER: Final = "Dead-Letter-Deliveries"
REASON_HEADER: Final = "Dead-Letter-Reason"


async def consume(
    connection: NatsConnection,
    stream: str,
    consumer: ConsumerConfig,
    slots: Slots,
    stop: asyncio.Event,
) -> AsyncGenerator[Msg, None]:
    """Yield messages until `stop` is set, through outages; never more than there are slots.

    Args:
        connection: the connection to NATS, which may be down.
        stream: the stream of the messages.
        consumer: a durable pull consumer, created or updated as needed.
        slots: the caller acquires one for each message before it asks for the next one.
        stop: ends the iteration; messages that were received and not yielded are returned to the
            stream for another worker, and `slots` is closed.
    """
    while not stop.is_set():
        try:
            async with asyncio.timeout(RETRY_INTERVAL):
                await connection.connected.wait()
        except TimeoutError:
            continue
        try:
            await connection.js.add_consumer(stream, consumer)
            async with Pull(connection.client, stream, str(consumer.name)) as pull:
                stopping = asyncio.ensure_future(stop.wait())
                stopping.add_done_callback(partial(_wake, pull, slots))
                try:
                    while not stop.is_set():
                        message = await pull.next(slots)
                        if message is not None:
                            yield message
                finally:
                    stopping.cancel()
        except (ConsumerLost, TimeoutError, nats.errors.Error) as error:
            logger.warning("The consumer {} cannot be used: {}", consumer.name, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_INTERVAL):
                    await stop.wait()


def _wake(pull: Pull, slots: Slots, stopping: asyncio.Future[Literal[True]]) -> None:
    """Wake `pull`, which may wait for a slot that is released only after this iteration."""
    if not stopping.cancelled():
        slots.close()
        pull.wake()


@contextmanager
def ack_heartbeat(message: Msg, ack_wait: float, *, limit: float) -> Iterator[None]:
    """Extend the acknowledgment deadline of `message` while the block runs, up to a limit.

    Without it, a message that takes longer than the consumer's `ack_wait` is redelivered while it
    is still in progress.

    Args:
        message: the message.
        ack_wait: the consumer's acknowledgment deadline in seconds.
        limit: maximum seconds of work; some time after that, the message is redelivered.
    """
    every = ack_wait / 3
    loop = asyncio.get_running_loop()
    end = loop.time() + limit + ack_wait
    beats: set[asyncio.Task[None]] = set()
    timer: asyncio.TimerHandle

    def beat() -> None:
        nonlocal timer
        if loop.time() < end:
            task = loop.create_task(_send_in_progress(message))
            beats.add(task)
            task.add_done_callback(beats.discard)
            timer = loop.call_later(every, beat)

    timer = loop.call_later(every, beat)
    try:
        yield
    finally:
        timer.cancel()


async def _send_in_progress(message: Msg) -> None:
    with suppress(nats.errors.Error):
        await message.in_progress()


def retry_delay(attempts: int, first: float) -> float:
    """Return the seconds to wait after `attempts` failures: `first`, doubled after each."""
    doublings = min(attempts - 1, 32)  # an outage of a day has more than a float can double
    return float(min(first * 2**doublings, MAX_DELAY))


async def dead_letter(
    connection: NatsConnection,
    message: Msg,
    kind: str,
    reason: str,
) -> None:
    """Store `message` as a dead letter with the reason, and remove it from its stream.

    If NATS refuses the dead letter, for example because payload and reason together are too large,
    only the reason and the origin are stored. If NATS refuses that too, for example because the
    stream of dead letters is full, the message stays and is redelivered after MAX_DELAY.

    Args:
        connection: the connection to NATS.
        message: the message; its headers are kept.
        kind: the last part of the dead letter's subject.
        reason: a sentence for the reader of the dead letters.

    Raises:
        NatsUnavailable, nats.errors.Error: the dead letter could not be stored, or the message not
            removed; the message is redelivered.
    """
    metadata = message.metadata
    own = {
        name: value
        for name, value in (message.headers or {}).items()
        if not name.startswith("Nats-")
    }
    origin = f"{metadata.stream}.{metadata.sequence.stream}.{metadata.consumer}"
    about = {
        Header.MSG_ID.value: f"dead.{origin}",
        SUBJECT_HEADER: message.subject,
        DELIVERIES_HEADER: str(metadata.num_delivered),
        REASON_HEADER: reason[:MAX_REASON_LENGTH].encode(errors="backslashreplace").decode(),
    }
    subject = dead_letter_subject(kind)
    whole = OutgoingMessage(subject, message.data, own | about)
    try:
        await connection.publish_unchecked(whole)
    except MessageRefused as error:
        logger.warning("The payload of message {} is not kept: {}", origin, error)
        try:
            await connection.publish_unchecked(OutgoingMessage(subject, b"", about))
        except MessageRefused:
            await message.nak(MAX_DELAY)
            logger.error(
                "Message {} is redelivered, since {} refuses it as a dead letter: {}",
                origin,
                DEAD_LETTERS_STREAM,
                reason,
            )
            return
    await message.ack()
    logger.error("Message {} became a dead letter: {}", origin, reason)
