"""Failed messages: a person lists them, and sends them again or discards them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import typer

from app.checks.report import aligned
from app.core.errors import Conflict, NotFound
from app.core.nats.connection import OutgoingMessage

LISTED: Final = 100
"""How many messages are listed at most."""


class FailedMessageNotFound(NotFound):
    """No failed message has this id; run the command without ids to list them."""


class CannotBeSentAgain(Conflict):
    """The message cannot be sent again."""


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that a person has to decide on.

    Attributes:
        id: identifies it in its store.
        since: when it was rejected.
        deliveries: the number of attempts, as text.
        reason: why it was rejected.
        message: the message, with its original subject.
    """

    id: int
    since: datetime
    deliveries: str
    reason: str
    message: OutgoingMessage


class FailedMessageStore(Protocol):
    """A store of failed messages."""

    def messages(self) -> AsyncIterator[FailedMessage]:
        """Yield the messages, the oldest first."""

    async def get(self, message_id: int) -> FailedMessage:
        """Return one message; raises FailedMessageNotFound."""

    async def send_again(self, found: FailedMessage) -> None:
        """Send it to its subject again and remove it; raises CannotBeSentAgain."""

    async def discard(self, found: FailedMessage) -> None:
        """Delete it."""


async def work_on(
    opened: AbstractAsyncContextManager[FailedMessageStore],
    ids: Sequence[int],
    everything: bool,
    *,
    send_again: bool,
    discard: bool,
) -> None:
    """Send again or discard the messages with these ids, or all; without an action, print them.

    Raises:
        FailedMessageNotFound: there is no such message.
        CannotBeSentAgain: some messages; all others were sent.
        typer.BadParameter: the options contradict each other.
    """
    if send_again and discard:
        raise typer.BadParameter("choose one of the two actions.")
    if ids and everything:
        raise typer.BadParameter("name ids or pass --all, not both.")
    if (send_again or discard) and not (ids or everything):
        raise typer.BadParameter("name the ids, or pass --all.")
    async with opened as store:
        if not (send_again or discard):
            print(await (_in_full(store, ids) if ids else _listed(store)))
            return
        refused = []
        async for found in store.messages() if everything else _each(store, ids):
            if discard:
                await store.discard(found)
                print(f"{found.id} was discarded.")
                continue
            try:
                await store.send_again(found)
            except CannotBeSentAgain as error:
                refused.append(f"{found.id} cannot be sent again: {error}")
            else:
                print(f"{found.id} goes to {found.message.subject} again.")
        if refused:
            raise CannotBeSentAgain(" ".join(refused))


async def _listed(store: FailedMessageStore) -> str:
    listed: list[FailedMessage] = []
    async for found in store.messages():
        if len(listed) == LISTED:
            return f"{_table(listed)}\n… and more."
        listed.append(found)
    return _table(listed) if listed else "There are none."


async def _in_full(store: FailedMessageStore, ids: Sequence[int]) -> str:
    texts = []
    async for found in _each(store, ids):
        texts += [_table([found]), found.message.payload.decode(errors="replace")]
    return "\n\n".join(texts)


async def _each(store: FailedMessageStore, ids: Sequence[int]) -> AsyncIterator[FailedMessage]:
    for message_id in ids:
        yield await store.get(message_id)


def _table(messages: Sequence[FailedMessage]) -> str:
    now = datetime.now(UTC)
    rows = [
        (
            str(found.id),
            _length_of_time((now - found.since).total_seconds()),
            found.deliveries,
            found.message.subject,
            " ".join(found.reason.split()),
        )
        for found in messages
    ]
    return aligned([("id", "age", "deliveries", "subject", "reason"), *rows])


def _length_of_time(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
