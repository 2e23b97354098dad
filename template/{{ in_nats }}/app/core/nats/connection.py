"""The one connection of this process to NATS, and publishing through it."""

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
"""Seconds in which JetStream has to say that it has stored a message."""

MAX_MESSAGE_SIZE: Final = 1_000_000
"""Bytes of a message's body. NATS takes 1 MiB of headers and body by default, and cuts the
connection of whoever sends more; the rest is for headers."""

MOMENT: Final = 0.002
"""Seconds that an acknowledgment waits for others, to leave with them in one piece."""

RECONNECT_INTERVAL: Final = 1
"""Seconds between two attempts to reach NATS."""

_DRAIN_TIMEOUT: Final = 3
_CLOSE_TIMEOUT: Final = 1
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PING_INTERVAL: Final = 10  # two lost pings, and the connection is taken to be dead


class NatsUnavailable(ServiceUnavailable):
    """The message server does not answer at the moment."""


class NoMatchingStream(NatsUnavailable):
    """JetStream is there, but no stream has the subject of the message."""


class MessageTooLarge(PayloadTooLarge):
    """The message is larger than 1 MB; store the data elsewhere and pass its key."""


class MessageRefused(Exception):
    """JetStream will never take this message, however often it is sent."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message for JetStream.

    Attributes:
        headers: with Nats-Msg-Id, by which JetStream drops a copy within two minutes.
    """

    subject: str
    payload: bytes
    headers: dict[str, str] = field(default_factory=dict)


def refuse_too_large(message: OutgoingMessage) -> None:
    """Raise MessageTooLarge if NATS would not take `message`."""
    if len(message.payload) > MAX_MESSAGE_SIZE:
        raise MessageTooLarge


class _JetStream(JetStreamContext):
    """JetStream whose refusals reach whoever publishes: nats-py loses them (its issue 985)."""

    async def _handle_async_reply(self, msg: Msg) -> None:
        try:
            await super()._handle_async_reply(msg)
        except nats.js.errors.APIError as error:
            self._publish_async_futures[msg.subject.rpartition(".")[2]].set_exception(error)


class NatsConnection:
    """A connection that is opened once and comes back by itself.

    Attributes:
        settings: what it was opened with.
        client: the connection itself.
        js: JetStream on it.
        connected: set while NATS answers.
        disconnected: set while it does not.
        last_error: why the last attempt to reach it failed.
        streams_settled: set once it is known whether the streams are as this service needs them.
        streams_error: why they are not.
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
        """Return when JetStream has stored `message`.

        Raises:
            NatsUnavailable: it is not there, or did not say that it has it. It may have it all
                the same; a copy with the same Nats-Msg-Id does no harm.
            NoMatchingStream: a NatsUnavailable, since the streams may still be to be set up.
            MessageTooLarge: nothing was sent.
            MessageRefused: it cannot take this message.
        """
        refuse_too_large(message)
        await self.publish_unchecked(message)

    async def publish_unchecked(self, message: OutgoingMessage) -> None:
        """Do as `publish`, for a message that may be as large as this server takes them.

        Raises:
            NatsUnavailable: as with `publish`.
            MessageRefused: it cannot take this message; nothing was sent if that is for its size.
        """
        if not self.client.is_connected:  # the client would keep the message back and send it later
            self._note(connected=False)  # it may be about to tell us
            raise NatsUnavailable
        # nats-py refuses this too late: when it waits already for the acknowledgment, and for ever.
        if not is_subject(message.subject):
            raise MessageRefused(f"No message can have the subject {message.subject!r}.")
        for name, value in message.headers.items():
            if not _is_header(name, value):
                raise MessageRefused(f"No message can have the header {name!r}: {value!r}.")
        if _size(message) > self.client.max_payload:
            raise MessageRefused("This NATS server takes no message of that size.")
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
            raise NoMatchingStream(f"No stream takes {message.subject}.") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise NatsUnavailable from error
        finally:
            self._unacknowledged.discard(ack)

    async def acknowledge(self, message: Msg) -> None:
        """Tell JetStream that `message` is done, in a moment: each write of its own would cost."""
        if self._moment is None:
            self._moment = asyncio.Event()
            asyncio.get_running_loop().call_later(MOMENT, self._end_moment, self._moment)
        await self._moment.wait()
        await message.ack()

    async def keep_connected(self) -> None:
        """Connect, and connect anew whenever the client gives up; runs until it is cancelled."""
        while True:
            self._use_new_client()
            try:
                await self._connect()
                self._note(connected=True)
                # The client comes back by itself, but not when it was turned away.
                await self._closed.wait()
            except Exception as error:  # whatever it is, NATS may be there later
                await self._on_error(error)
            await asyncio.sleep(RECONNECT_INTERVAL)

    async def close(self) -> None:
        """Send what is still to be sent, then close, within a limit."""
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
        if str(error) != str(self.last_error):  # every attempt fails with the same one
            logger.warning("NATS: {}", error or type(error).__name__)
        self.last_error = error

    async def _on_disconnected(self) -> None:
        self._note(connected=False)
        for ack in self._unacknowledged:
            if not ack.done():
                ack.set_exception(nats.errors.ConnectionClosedError())

    async def _on_reconnected(self) -> None:
        logger.info("NATS is there again.")
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
    """Return user, password and token: nats-py would take those of an address as they stand."""
    if settings.NATS_USER is not None and settings.NATS_PASSWORD is not None:
        return settings.NATS_USER, settings.NATS_PASSWORD.get_secret_value(), None
    for url in settings.nats_servers:
        user, password = credentials_of(url)
        if user is not None:
            return (None, None, user) if password is None else (user, password, None)
    return None, None, None


def _size(message: OutgoingMessage) -> int:
    """Return the bytes that count for the server: it cuts the connection for headers too."""
    lines = [f"{name}: {value}\r\n" for name, value in message.headers.items()]
    return len(f"NATS/1.0\r\n{''.join(lines)}\r\n".encode()) + len(message.payload)


def is_subject(text: str) -> bool:
    """Return whether a message can be sent to `text`."""
    return all(token.split() == [token] and token not in {"*", ">"} for token in text.split("."))


def _is_header(name: str, value: str) -> bool:
    """Return whether a message can have that header."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return _HEADER_NAME.fullmatch(name) is not None


@asynccontextmanager
async def nats_connection(settings: Settings) -> AsyncIterator[NatsConnection]:
    """Yield a connection that is being opened; `connected` says when it is."""
    connection = NatsConnection(settings)
    keeper = asyncio.create_task(connection.keep_connected())
    try:
        yield connection
    finally:
        keeper.cancel()
        await connection.close()
