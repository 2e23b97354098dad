"""The dead letters of this service, for a person to look at, send again or discard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from nats.js.api import Header, RawStreamMsg
from nats.js.errors import NotFoundError

from app.checks.failed_messages import CannotBeSentAgain, FailedMessage, NotSetAside
from app.checks.nats import connected_nats
from app.core.config import Settings
from app.core.nats.connection import MessageRefused, NatsConnection, OutgoingMessage
from app.core.nats.consumer import DELIVERIES_HEADER, REASON_HEADER, SUBJECT_HEADER
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject


class DeadLetters:
    """The stream of the dead letters; a letter's id is its place there."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._js = connection.js

    async def messages(self) -> AsyncIterator[FailedMessage]:
        """Yield what is there now, the oldest first."""
        try:
            last = (await self._js.stream_info(DEAD_LETTERS_STREAM)).state.last_seq
            place = 0
            while place < last:  # what fails anew meanwhile comes after it
                raw = await self._js.get_msg(
                    DEAD_LETTERS_STREAM,
                    place + 1,
                    subject=dead_letter_subject(">"),
                    next=True,
                )
                place = raw.seq or last
                yield _read(raw)
        except NotFoundError:  # neither a stream nor another letter
            return

    async def get(self, message_id: int) -> FailedMessage:
        """Return one of them; raises NotSetAside."""
        try:
            return _read(await self._js.get_msg(DEAD_LETTERS_STREAM, message_id))
        except NotFoundError:
            raise NotSetAside(f"There is no dead letter {message_id}.") from None

    async def send_again(self, found: FailedMessage) -> None:
        """Send it to where it was going, and take it off; raises CannotBeSentAgain."""
        if not found.message.payload:
            raise CannotBeSentAgain("Its payload was not kept.")
        try:
            await self._connection.publish_unchecked(found.message)
        except MessageRefused as error:
            raise CannotBeSentAgain(str(error)) from error
        await self.discard(found)

    async def discard(self, found: FailedMessage) -> None:
        """Delete it."""
        await self._js.delete_msg(DEAD_LETTERS_STREAM, found.id)


@asynccontextmanager
async def open_dead_letters(settings: Settings) -> AsyncIterator[DeadLetters]:
    """Yield the dead letters; raises StartupError where NATS does not answer."""
    async with connected_nats(settings) as connection:
        yield DeadLetters(connection)


def _read(raw: RawStreamMsg) -> FailedMessage:
    about = dict(raw.headers or {})
    subject = about.pop(SUBJECT_HEADER, "-")
    deliveries, reason = about.pop(DELIVERIES_HEADER, "-"), about.pop(REASON_HEADER, "-")
    # The same however often it is sent again, so that a copy does no harm.
    about[Header.MSG_ID.value] = f"again.{DEAD_LETTERS_STREAM}.{raw.seq}"
    return FailedMessage(
        id=raw.seq or 0,
        since=raw.time or datetime.now(UTC),
        deliveries=deliveries,
        reason=reason,
        message=OutgoingMessage(subject, raw.data or b"", about),
    )
