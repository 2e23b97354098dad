"""Taking messages from a JetStream consumer: for ever, and giving each one back or settling it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import nats.errors
from loguru import logger
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, Header

from app.core.nats_connection import NatsConnection, OutgoingMessage
from app.events.streams import dead_letter_subject

FETCH_TIMEOUT: Final = 1
"""Seconds that one request for messages stands; what a lost request or a stop costs at most."""

BIND_INTERVAL: Final = 30
"""Idle seconds after which the consumer is declared anew, in case somebody has deleted it."""

MAX_DELAY: Final = 60
"""Seconds between two attempts, at most."""

MAX_REASON_LENGTH: Final = 500


async def deliveries(
    connection: NatsConnection,
    stream: str,
    consumer: ConsumerConfig,
    room: Callable[[], Awaitable[int]],
) -> AsyncGenerator[list[Msg], None]:
    """Yield batches of messages for ever, through outages; an empty one about once a second.

    When it is closed or cancelled, a request that stands is awaited, and what it brings is given
    back for another worker to take at once.

    Args:
        connection: NATS; may be away.
        stream: where the messages are.
        consumer: a durable pull consumer, created or updated as needed.
        room: returns how many messages may come, at least 1, when they may.
    """
    while True:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                await connection.connected.wait()
            await connection.js.add_consumer(stream, consumer)
            subscription = await connection.js.pull_subscribe_bind(
                consumer=consumer.durable_name,
                stream=stream,
            )
        except TimeoutError:
            yield []
            continue
        except nats.errors.Error as error:
            logger.warning("The consumer {} cannot be used: {}", consumer.durable_name, error)
            yield []
            await asyncio.sleep(FETCH_TIMEOUT)
            continue
        try:
            idle_since = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - idle_since < BIND_INTERVAL:
                messages = await _fetch(subscription, await room())
                if messages:
                    idle_since = asyncio.get_running_loop().time()
                yield messages
        except nats.errors.Error as error:
            logger.warning("Taking messages from {} failed: {}", consumer.durable_name, error)
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()


async def _fetch(subscription: JetStreamContext.PullSubscription, batch: int) -> list[Msg]:
    request = asyncio.ensure_future(subscription.fetch(batch, timeout=FETCH_TIMEOUT))
    try:
        return await asyncio.shield(request)
    except TimeoutError:
        return []
    except asyncio.CancelledError:
        with suppress(TimeoutError, nats.errors.Error):
            for message in await request:
                await message.nak()
        raise


@contextmanager
def kept_alive(message: Msg, *, every: float, limit: float) -> Iterator[None]:
    """Tell JetStream every `every` seconds that `message` is being worked on, for `limit` seconds.

    Without it, what takes longer than the consumer's ack wait would be delivered a second time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    beats: set[asyncio.Task[None]] = set()
    timer: asyncio.TimerHandle

    def beat() -> None:
        nonlocal timer
        if loop.time() < end:
            task = loop.create_task(_say_in_progress(message))
            beats.add(task)
            task.add_done_callback(beats.discard)
            timer = loop.call_later(every, beat)

    timer = loop.call_later(every, beat)
    try:
        yield
    finally:
        timer.cancel()


async def _say_in_progress(message: Msg) -> None:
    with suppress(nats.errors.Error):
        await message.in_progress()


def retry_delay(attempts: int, first: float) -> float:
    """Return the seconds to wait after this many failed attempts: `first`, doubled each time."""
    return float(min(first * 2 ** (attempts - 1), MAX_DELAY))


async def dead_letter(
    connection: NatsConnection,
    message: Msg,
    kind: str,
    reason: str,
) -> None:
    """Keep the payload of `message` with the reason why nobody handles it, and take it off.

    Args:
        connection: NATS.
        message: the message; its own headers are kept too.
        kind: the last part of the dead letter's subject.
        reason: a sentence for whoever looks at the dead letters.

    Raises:
        NatsUnavailable: it could not be kept; the message comes again.
    """
    metadata = message.metadata
    own = {
        name: value
        for name, value in (message.headers or {}).items()
        if not name.startswith("Nats-")
    }
    origin = f"{metadata.stream}.{metadata.sequence.stream}.{metadata.consumer}"
    headers = {
        **own,
        Header.MSG_ID.value: f"dead.{origin}",
        "Dead-Letter-Subject": message.subject,
        "Dead-Letter-Deliveries": str(metadata.num_delivered),
        "Dead-Letter-Reason": reason[:MAX_REASON_LENGTH],
    }
    await connection.publish(OutgoingMessage(dead_letter_subject(kind), message.data, headers))
    await message.ack()
    logger.error("Message {} became a dead letter: {}", origin, reason)
