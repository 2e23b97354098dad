"""Events: publish them to JetStream, and declare this service's handlers for them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from uuid import NAMESPACE_OID, uuid5

from nats.js.api import Header, StreamConfig
from pydantic import ConfigDict, ValidationError

from app.core.config import Settings
from app.core.nats.base_event import BaseEvent
from app.core.nats.connection import NatsConnection, NatsUnavailable, OutgoingMessage, is_subject
from app.core.nats.event_streams import ALL_EVENTS, EVENTS_STREAM, event_consumer, events_stream
from app.core.nats.streams import covers
from app.core.request_id import REQUEST_ID_HEADER, get_request_id, request_id_context

AGGREGATE_ID_HEADER: Final = "Aggregate-Id"

P = ParamSpec("P")
E = TypeVar("E", bound=BaseEvent)
Handle = Callable[["EventHandler", BaseEvent], Awaitable[None]]
Inject = Callable[[str], dict[str, str]]
Extract = Callable[[Mapping[str, str]], AbstractContextManager[None]]

_propagators: Final[list[tuple[Inject, Extract]]] = []


class InvalidEvent(Exception):
    """The message can never be handled. The text is the reason."""


@dataclass(frozen=True, slots=True)
class EventHandler:
    """A function that handles the events of a subject.

    Attributes:
        name: the function's name. The durable consumer is called after the service and this name:
            renaming it makes a new consumer, which gets every event that the stream still holds.
        schema: the class of the events.
        function: called with each event.
    """

    name: str
    subject: str
    schema: type[BaseEvent]
    function: Callable[..., Awaitable[None]]

    def read(self, payload: bytes, origin: str) -> BaseEvent:
        """Parse `payload`.

        An event without an id gets one that depends on `origin` alone.

        Raises:
            InvalidEvent: the payload does not match the schema; the text is the reason.
        """
        try:
            event = self.schema.model_validate_json(payload)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(str(step) for step in detail['loc']) or 'message'}: {detail['msg']}"
                for detail in error.errors()
            )
            raise InvalidEvent(f"It is no {self.schema.__name__}: {reason}") from error
        if "event_id" not in event.model_fields_set:
            return event.model_copy(update={"event_id": uuid5(NAMESPACE_OID, origin)})
        return event


async def call_handler(handler: EventHandler, event: BaseEvent) -> None:
    """Call the handler, without a check for redeliveries."""
    await handler.function(event)


class UntypedEvent(BaseEvent):
    """An event without a schema of its own."""

    model_config = ConfigDict(extra="allow")


def propagate(inject: Inject, extract: Extract) -> None:
    """Propagate a context, such as a trace, with every event.

    Args:
        inject: returns headers for an outgoing event.
        extract: activates the context in the headers of an incoming event.
    """
    _propagators.append((inject, extract))


@contextmanager
def propagated(headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block in the context of the request that caused the event with these headers."""
    with ExitStack() as stack:
        stack.enter_context(request_id_context(headers.get(REQUEST_ID_HEADER)))
        for _, extract in _propagators:
            stack.enter_context(extract(headers))
        yield


def to_outgoing(
    event: BaseEvent | Mapping[str, Any],
    subject: str | None = None,
) -> OutgoingMessage:
    """Return the message for `event`: plain JSON, with the event's id as message id.

    Args:
        event: an event or its data. Data without an id or a timestamp gets one.
        subject: replaces the subject of the event's class.

    Raises:
        ValueError: the subject is not an event's, or the data is invalid.
    """
    if not isinstance(event, BaseEvent):
        event = UntypedEvent.model_validate(event)
    subject = event.subject if subject is None else subject
    if not (is_subject(subject) and covers(ALL_EVENTS, subject)):
        raise ValueError(f"{subject!r} is not an event subject: events.{{domain}}.{{action}}.")
    headers = {
        Header.MSG_ID.value: str(event.event_id),
        AGGREGATE_ID_HEADER: event.aggregate_id,
    }
    request_id = get_request_id()
    if request_id:
        headers[REQUEST_ID_HEADER] = request_id
    for inject, _ in _propagators:
        headers |= inject(f"send {subject}")
    return OutgoingMessage(subject, event.model_dump_json().encode(), headers)


class EventBroker:
    """Publishes events and registers their handlers.

    Events are plain JSON on subjects of their own. Every handler has a durable consumer, which
    gets each event at least once.
    """

    connection: NatsConnection | None = None

    def __init__(self, handle: Handle = call_handler) -> None:
        """`handle` wraps every call of a handler; the worker reads it at its start."""
        self.handlers: dict[str, EventHandler] = {}
        self.handle = handle

    def stream(self, settings: Settings) -> StreamConfig:
        """Return the stream that this broker needs."""
        return events_stream(settings)

    def consumers(self, settings: Settings) -> list[tuple[str, str]]:
        """Return the stream and the name of each consumer."""
        consumers = [
            event_consumer(handler.name, handler.subject, settings)
            for handler in self.handlers.values()
        ]
        return [(EVENTS_STREAM, str(consumer.name)) for consumer in consumers]

    async def open(self, connection: NatsConnection) -> None:
        """Use `connection`. The caller closes it."""
        self.connection = connection

    async def close(self) -> None:
        """Stop using the connection."""
        self.connection = None

    @property
    def opened(self) -> NatsConnection:
        """The connection; raises NatsUnavailable if NATS was not opened."""
        if self.connection is None:
            raise NatsUnavailable
        return self.connection

    def task(
        self,
        event: type[E],
        *,
        subject: str | None = None,
    ) -> Callable[
        [Callable[Concatenate[E, P], Awaitable[None]]],
        Callable[Concatenate[E, P], Awaitable[None]],
    ]:
        """Register a function as handler for the events of a class.

        The handler must be idempotent by the event's id. `subject` replaces the subject of the
        class; wildcards are allowed, such as `events.order.*`.
        """
        subject = getattr(event, "subject", None) if subject is None else subject
        if subject is None:
            raise TypeError(f"{event.__name__} has no subject; name it in the class.")

        def declare(
            function: Callable[Concatenate[E, P], Awaitable[None]],
        ) -> Callable[Concatenate[E, P], Awaitable[None]]:
            name = function.__name__
            if name in self.handlers:
                raise ValueError(f"Two handlers are called {name}; rename one of them.")
            self.handlers[name] = EventHandler(name, subject, event, function)
            return function

        return declare

    async def publish(
        self,
        event: BaseEvent | Mapping[str, Any],
        subject: str | None = None,
    ) -> None:
        """Publish `event`, and return when JetStream has stored it; see `to_outgoing`.

        Raises:
            NatsUnavailable: JetStream may have stored it; publishing the same event again is safe.
            MessageTooLarge: nothing was sent.
        """
        await self.opened.publish(to_outgoing(event, subject))
