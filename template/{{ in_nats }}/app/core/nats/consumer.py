"""Taking messages from a JetStream consumer, for ever, and settling them."""

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
"""Seconds after which a consumer that cannot be used is tried again."""

MAX_DELAY: Final = 60
"""Seconds between two attempts, at most."""

MAX_REASON_LENGTH: Final = 500

# What a dead letter says about itself.
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
    """Yield messages until `stop` is set, through outages; not more than there is slots for.

    Args:
        connection: NATS; may be away.
        stream: where the messages are.
        consumer: a durable pull consumer, created or updated as needed.
        slots: to be entered for each message before the next one is asked for; closed in the end.
        stop: ends this; what arrived by then and was not yielded goes to another worker.
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
    """End what `pull` waits for: it may be for slots, which only the end of this would make."""
    if not stopping.cancelled():
        slots.close()
        pull.wake()


@contextmanager
def ack_heartbeat(message: Msg, ack_wait: float, *, limit: float) -> Iterator[None]:
    """Tell JetStream that `message` is being worked on, while it is, but not for ever.

    Without it, what takes longer than `ack_wait`, the consumer's, would be delivered again.

    Args:
        message: the message.
        ack_wait: seconds.
        limit: seconds that the work may take; some time after that, the message comes again.
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
    """Return the seconds to wait after this many failed attempts: `first`, doubled each time."""
    doublings = min(attempts - 1, 32)  # an outage of a day has more than a float can double
    return float(min(first * 2**doublings, MAX_DELAY))


async def dead_letter(
    connection: NatsConnection,
    message: Msg,
    kind: str,
    reason: str,
) -> None:
    """Keep the payload of `message` with the reason why nobody handles it, and take it off.

    Where NATS does not take it, as when there is no slots for the reason beside the payload, only
    the reason is kept, and where the message came from. Where it takes not even that, as when the
    stream of dead letters is full, the message stays where it is and comes again after MAX_DELAY.

    Args:
        connection: NATS.
        message: the message; its own headers are kept too.
        kind: the last part of the dead letter's subject.
        reason: a sentence for whoever looks at the dead letters.

    Raises:
        NatsUnavailable, nats.errors.Error: it could not be kept, or not be taken off; the message
            comes again.
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
                "Message {} is no dead letter yet, since {} refuses it, and comes again: {}",
                origin,
                DEAD_LETTERS_STREAM,
                reason,
            )
            return
    await message.ack()
    logger.error("Message {} became a dead letter: {}", origin, reason)
