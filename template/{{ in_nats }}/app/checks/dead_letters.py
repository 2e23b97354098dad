"""The dead letters of this service: list, replay or discard them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from nats.js.api import Header, RawStreamMsg
from nats.js.errors import NotFoundError

from app.checks.failed_messages import CannotBeSentAgain, FailedMessage, FailedMessageNotFound
from app.checks.nats import connected_nats
from app.core.config import Settings
from app.core.nats.connection import MessageRefused, NatsConnection, OutgoingMessage
from app.core.nats.consumer import DELIVERIES_HEADER, REASON_HEADER, SUBJECT_HEADER
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject


class DeadLetters:
    """The stream of dead letters; the id of a dead letter is its sequence number there."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._js = connection.js

    async def messages(self) -> AsyncIterator[FailedMessage]:
        """Yield the messages, the oldest first."""
        try:
            last = (await self._js.stream_info(DEAD_LETTERS_STREAM)).state.last_seq
            place = 0
            while place < last:  # messages that fail again in the meantime come after `last`
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
        """Return one message; raises FailedMessageNotFound."""
        try:
            return _read(await self._js.get_msg(DEAD_LETTERS_STREAM, message_id))
        except NotFoundError:
            raise FailedMessageNotFound(f"There is no dead letter {message_id}.") from None

    async def send_again(self, found: FailedMessage) -> None:
        """Send it to its subject again and remove it; raises CannotBeSentAgain."""
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
    """Yield the dead letters; raises StartupError if NATS is unreachable."""
    async with connected_nats(settings) as connection:
        yield DeadLetters(connection)


def _read(raw: RawStreamMsg) -> FailedMessage:
    about = dict(raw.headers or {})
    subject = about.pop(SUBJECT_HEADER, "-")
    deliveries, reason = about.pop(DELIVERIES_HEADER, "-"), about.pop(REASON_HEADER, "-")
    # The same for every replay, so that JetStream drops a duplicate.
    about[Header.MSG_ID.value] = f"again.{DEAD_LETTERS_STREAM}.{raw.seq}"
    return FailedMessage(
        id=raw.seq or 0,
        since=raw.time or datetime.now(UTC),
        deliveries=deliveries,
        reason=reason,
        message=OutgoingMessage(subject, raw.data or b"", about),
    )
