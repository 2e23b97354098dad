"""Events: publishing them to JetStream, and the handlers that this service has for them."""

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
    """No attempt to handle this message can succeed. Its text says why."""


@dataclass(frozen=True, slots=True)
class EventHandler:
    """A function that handles the events of a subject.

    Attributes:
        name: of the function; with the service's name, that of its durable consumer. Renaming it
            makes a new consumer, which gets every event that the stream still has.
        schema: what the events are read as.
        function: called with the event.
    """

    name: str
    subject: str
    schema: type[BaseEvent]
    function: Callable[..., Awaitable[None]]

    def read(self, payload: bytes, origin: str) -> BaseEvent:
        """Return the event; raises InvalidEvent with the reason.

        One that another program has sent without an id gets the same for the same `origin`.
        """
        try:
            event = self.schema.model_validate_json(payload)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(str(step) for step in fault['loc']) or 'message'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise InvalidEvent(f"It is no {self.schema.__name__}: {reason}") from error
        if "event_id" not in event.model_fields_set:
            return event.model_copy(update={"event_id": uuid5(NAMESPACE_OID, origin)})
        return event


async def call_handler(handler: EventHandler, event: BaseEvent) -> None:
    """Handle `event`, whether it came before or not."""
    await handler.function(event)


class UntypedEvent(BaseEvent):
    """An event that is published as mere data."""

    model_config = ConfigDict(extra="allow")


def propagate(inject: Inject, extract: Extract) -> None:
    """Have something go along with every event.

    Args:
        inject: returns headers for an event that is sent; called with what is done.
        extract: does what is inside with what the headers of an event bring.
    """
    _propagators.append((inject, extract))


@contextmanager
def propagated(headers: Mapping[str, str]) -> Iterator[None]:
    """Do what is inside on behalf of the request that caused the event with these headers."""
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
        event: an event, or its data; then it gets an id and a timestamp where it has none.
        subject: where it goes instead of to the subject of its class.

    Raises:
        ValueError: the subject is none of an event, or the data cannot be read.
    """
    if not isinstance(event, BaseEvent):
        event = UntypedEvent.model_validate(event)
    subject = event.subject if subject is None else subject
    if not (is_subject(subject) and covers(ALL_EVENTS, subject)):
        raise ValueError(f"{subject!r} is no subject of an event: events.{{domain}}.{{action}}.")
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
    """Publishes events, and knows who handles them.

    Events are plain JSON on subjects of their own, and every handler has a durable consumer that
    gets each event at least once.
    """

    connection: NatsConnection | None = None

    def __init__(self, handle: Handle = call_handler) -> None:
        """`handle` surrounds every call of a handler; the worker takes it when it starts."""
        self.handlers: dict[str, EventHandler] = {}
        self.handle = handle

    def stream(self, settings: Settings) -> StreamConfig:
        """Return the stream that it needs."""
        return events_stream(settings)

    def consumers(self, settings: Settings) -> list[tuple[str, str]]:
        """Return the stream and the name of each consumer."""
        consumers = [
            event_consumer(handler.name, handler.subject, settings)
            for handler in self.handlers.values()
        ]
        return [(EVENTS_STREAM, str(consumer.name)) for consumer in consumers]

    async def open(self, connection: NatsConnection) -> None:
        """Begin to use `connection`, which stays the caller's to close."""
        self.connection = connection

    async def close(self) -> None:
        """Stop using the connection."""
        self.connection = None

    @property
    def opened(self) -> NatsConnection:
        """The connection; raises NatsUnavailable where NATS was not opened."""
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
        """Declare a handler for the events of a class: a function that is called with each.

        It has to be idempotent by the event's id. `subject` stands for that of the class, such as
        `events.order.*` for several.
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
        """Return when JetStream has stored `event`; see `to_outgoing`.

        Raises:
            NatsUnavailable: it may have it or not; the same event can be published again.
            MessageTooLarge: nothing was sent.
        """
        await self.opened.publish(to_outgoing(event, subject))
