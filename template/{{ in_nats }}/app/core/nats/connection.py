"""This process's one connection to NATS, and publishing through it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import nats.errors
import nats.js.errors
from loguru import logger
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import PubAck

from app.core.addresses import credentials_of, without_credentials
from app.core.config import SERVICE_NAME, Settings
from app.core.errors import PayloadTooLarge, ServiceUnavailable
from app.core.resource import StartupError

ACK_TIMEOUT: Final = 5
"""Timeout of JetStream's publish acknowledgment, in seconds."""

MAX_MESSAGE_SIZE: Final = 1_000_000
"""Maximum bytes of a payload. NATS accepts 1 MiB of headers and payload by default, and closes the
connection of a client that sends more; the rest is for headers."""

MOMENT: Final = 0.002
"""Seconds for which acknowledgments are collected, to be sent in one write."""

RECONNECT_INTERVAL: Final = 1
"""Seconds between two attempts to reach NATS."""

_DRAIN_TIMEOUT: Final = 3
_CLOSE_TIMEOUT: Final = 1
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PING_INTERVAL: Final = 10  # two lost pings, and the connection is taken to be dead


class NatsUnavailable(ServiceUnavailable):
    """The message server is unavailable at the moment."""


class NoMatchingStream(NatsUnavailable):
    """JetStream is available, but no stream has the subject of the message."""


class MessageTooLarge(PayloadTooLarge):
    """The message is larger than 1 MB; store the data elsewhere and pass its key."""


class MessageRefused(Exception):
    """JetStream will never accept this message."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message for JetStream.

    Attributes:
        headers: with Nats-Msg-Id, by which JetStream drops a duplicate within two minutes.
    """

    subject: str
    payload: bytes
    headers: dict[str, str] = field(default_factory=dict)


def refuse_too_large(message: OutgoingMessage) -> None:
    """Raise MessageTooLarge if NATS would not accept `message`."""
    if len(message.payload) > MAX_MESSAGE_SIZE:
        raise MessageTooLarge


class _JetStream(JetStreamContext):
    """JetStream that passes refusals on to the publisher: nats-py loses them (its issue 985)."""

    async def _handle_async_reply(self, msg: Msg) -> None:
        try:
            await super()._handle_async_reply(msg)
        except nats.js.errors.APIError as error:
            self._publish_async_futures[msg.subject.rpartition(".")[2]].set_exception(error)


class NatsConnection:
    """A connection that is opened once and reconnects by itself.

    Attributes:
        settings: the settings that it was opened with.
        client: the nats-py client.
        js: the client's JetStream context.
        connected: set while NATS is reachable.
        disconnected: set while NATS is unreachable.
        last_error: why the last attempt to connect failed.
        streams_settled: set once the streams were set up, or found to be incompatible.
        streams_error: why the streams are incompatible, or None.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client: Client
        self.js: JetStreamContext
        self.connected = asyncio.Event()
        self.disconnected = asyncio.Event()
        self.last_error: Exception | None = None
        self.streams_settled = asyncio.Event()
        self.streams_error: StartupError | None = None
        self._note(connected=False)
        self._closed = asyncio.Event()
        self._unacknowledged: set[asyncio.Future[PubAck]] = set()
        self._moment: asyncio.Event | None = None
        self._use_new_client()

    async def publish(self, message: OutgoingMessage) -> None:
        """Publish `message`, and return when JetStream has stored it.

        Raises:
            NatsUnavailable: JetStream is unreachable or did not acknowledge. It may have stored the
                message; publishing it again with the same Nats-Msg-Id is safe.
            NoMatchingStream: a NatsUnavailable, since the streams may not be set up yet.
            MessageTooLarge: nothing was sent.
            MessageRefused: JetStream can never accept this message.
        """
        refuse_too_large(message)
        await self.publish_unchecked(message)

    async def publish_unchecked(self, message: OutgoingMessage) -> None:
        """Publish `message` as `publish` does, up to the size that this server accepts.

        Raises:
            NatsUnavailable: as in `publish`.
            MessageRefused: JetStream can never accept this message, for example for its size.
        """
        if not self.client.is_connected:  # the client would buffer the message and send it later
            self._note(connected=False)  # its callback may not have run yet
            raise NatsUnavailable
        # nats-py refuses this too late, and then waits for the acknowledgment forever.
        if not is_subject(message.subject):
            raise MessageRefused(f"{message.subject!r} is not a valid subject.")
        for name, value in message.headers.items():
            if not _is_header(name, value):
                raise MessageRefused(f"{name!r}: {value!r} is not a valid header.")
        if _size(message) > self.client.max_payload:
            raise MessageRefused("The message is larger than this NATS server accepts.")
        try:
            ack = await self.js.publish_async(
                message.subject,
                message.payload,
                wait_stall=ACK_TIMEOUT,
                headers=message.headers,
            )
        except (TimeoutError, nats.errors.Error) as error:
            raise NatsUnavailable from error
        self._unacknowledged.add(ack)
        try:
            async with asyncio.timeout(ACK_TIMEOUT):
                await ack  # fails at once when the connection is lost
        except nats.js.errors.BadRequestError as error:
            raise MessageRefused(error.description) from error
        except nats.js.errors.NoStreamResponseError as error:
            raise NoMatchingStream(f"No stream has the subject {message.subject}.") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise NatsUnavailable from error
        finally:
            self._unacknowledged.discard(ack)

    async def acknowledge(self, message: Msg) -> None:
        """Acknowledge `message`, together with others: one write for each would be slow."""
        if self._moment is None:
            self._moment = asyncio.Event()
            asyncio.get_running_loop().call_later(MOMENT, self._end_moment, self._moment)
        await self._moment.wait()
        await message.ack()

    async def keep_connected(self) -> None:
        """Connect, and connect again whenever the client gives up; runs until it is canceled."""
        while True:
            self._use_new_client()
            try:
                await self._connect()
                self._note(connected=True)
                # The client reconnects by itself, but not after an authorization error.
                await self._closed.wait()
            except Exception as error:  # any error: NATS may be reachable later
                await self._on_error(error)
            await asyncio.sleep(RECONNECT_INTERVAL)

    async def close(self) -> None:
        """Flush pending messages, then close, within a time limit."""
        with suppress(TimeoutError, nats.errors.Error):
            async with asyncio.timeout(_DRAIN_TIMEOUT):
                if self.client.is_connected:
                    await self.client.drain()
        with suppress(TimeoutError, nats.errors.Error):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self.client.close()

    def _use_new_client(self) -> None:
        self.client = Client()
        self.js = _JetStream(self.client, timeout=ACK_TIMEOUT)
        self._closed.clear()

    async def _connect(self) -> None:
        user, password, token = _credentials(self.settings)
        await self.client.connect(
            [without_credentials(url) for url in self.settings.nats_servers],
            name=SERVICE_NAME,
            user=user,
            password=password,
            token=token,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_INTERVAL,
            ping_interval=_PING_INTERVAL,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
        )

    async def _on_error(self, error: Exception) -> None:
        if str(error) != str(self.last_error):  # log a repeated error once
            logger.warning("NATS: {}", error or type(error).__name__)
        self.last_error = error

    async def _on_disconnected(self) -> None:
        self._note(connected=False)
        for ack in self._unacknowledged:
            if not ack.done():
                ack.set_exception(nats.errors.ConnectionClosedError())

    async def _on_reconnected(self) -> None:
        logger.info("Reconnected to NATS.")
        self._note(connected=True)

    async def _on_closed(self) -> None:
        self._note(connected=False)
        self._closed.set()

    def _end_moment(self, moment: asyncio.Event) -> None:
        self._moment = None
        moment.set()

    def _note(self, *, connected: bool) -> None:
        if connected:
            self.last_error = None
            self.connected.set()
            self.disconnected.clear()
        else:
            self.connected.clear()
            self.disconnected.set()


def _credentials(settings: Settings) -> tuple[str | None, str | None, str | None]:
    """Return user, password and token: nats-py does not percent-decode those of a URL."""
    if settings.NATS_USER is not None and settings.NATS_PASSWORD is not None:
        return settings.NATS_USER, settings.NATS_PASSWORD.get_secret_value(), None
    for url in settings.nats_servers:
        user, password = credentials_of(url)
        if user is not None:
            return (None, None, user) if password is None else (user, password, None)
    return None, None, None


def _size(message: OutgoingMessage) -> int:
    """Return the size that the server limits: payload and headers, in bytes."""
    lines = [f"{name}: {value}\r\n" for name, value in message.headers.items()]
    return len(f"NATS/1.0\r\n{''.join(lines)}\r\n".encode()) + len(message.payload)


def is_subject(text: str) -> bool:
    """Return whether `text` is a valid subject to publish to."""
    return all(token.split() == [token] and token not in {"*", ">"} for token in text.split("."))


def _is_header(name: str, value: str) -> bool:
    """Return whether this is a valid header."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return _HEADER_NAME.fullmatch(name) is not None


@asynccontextmanager
async def nats_connection(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield a connection that is being opened; its `connected` is set when it is open."""
    connection = NatsConnection(settings)
    keeper = asyncio.create_task(connection.keep_connected())
    try:
        yield connection
    finally:
        keeper.cancel()
        await connection.close()
