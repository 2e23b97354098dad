"""Events: publishing them to JetStream, and the handlers that this service has for them."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_type_hints

from nats.js.api import Header
from pydantic import ValidationError

from app.common.request_context import REQUEST_ID_HEADER, get_request_id
from app.core.nats_connection import NatsConnection, NatsUnavailable, OutgoingMessage
from app.events.schemas import BaseEvent

AGGREGATE_ID_HEADER: Final = "Aggregate-Id"

HandlerFunction = TypeVar("HandlerFunction", bound=Callable[..., Awaitable[None]])


class UnmanageableEvent(Exception):
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

    def read(self, payload: bytes) -> BaseEvent:
        """Return the event; raises UnmanageableEvent with the reason."""
        try:
            return self.schema.model_validate_json(payload)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(str(step) for step in fault['loc']) or 'message'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise UnmanageableEvent(f"It is no {self.schema.__name__}: {reason}") from error


async def call_handler(handler: EventHandler, event: BaseEvent) -> None:
    """Handle `event`, whether it came before or not."""
    await handler.function(event)


def to_outgoing(event: BaseEvent) -> OutgoingMessage:
    """Return the message for `event`: plain JSON, with the event's id as message id."""
    headers = {
        Header.MSG_ID.value: str(event.event_id),
        AGGREGATE_ID_HEADER: event.aggregate_id,
    }
    request_id = get_request_id()
    if request_id:
        headers[REQUEST_ID_HEADER] = request_id
    return OutgoingMessage(event.subject, event.model_dump_json().encode(), headers)


class EventBroker:
    """Publishes events, and knows who handles them.

    Events are plain JSON on subjects of their own, and every handler has a durable consumer that
    gets each event at least once.
    """

    connection: NatsConnection | None = None

    def __init__(
        self,
        handle: Callable[[EventHandler, BaseEvent], Awaitable[None]] = call_handler,
    ) -> None:
        """Make a broker without handlers. `handle` surrounds every call of one."""
        self.handle = handle
        self.handlers: dict[str, EventHandler] = {}

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

    def task(self, subject: str) -> Callable[[HandlerFunction], HandlerFunction]:
        """Declare a handler for the events of `subject`, which may end in a wildcard.

        The function's first parameter is the event, annotated with its schema. The function has
        to be idempotent by the event's id.
        """

        def declare(function: HandlerFunction) -> HandlerFunction:
            name = function.__name__
            first = next(iter(inspect.signature(function).parameters), "")
            schema: Any = get_type_hints(function).get(first)
            if not (isinstance(schema, type) and issubclass(schema, BaseEvent)):
                raise TypeError(f"{name}: annotate its first parameter with the event's class.")
            if name in self.handlers:
                raise ValueError(f"Two handlers are called {name}; rename one of them.")
            self.handlers[name] = EventHandler(name, subject, schema, function)
            return function

        return declare

    async def publish(self, event: BaseEvent) -> None:
        """Return when JetStream has stored `event`.

        Raises:
            NatsUnavailable: it may have it or not; the same event can be published again.
            MessageTooLarge: nothing was sent.
        """
        await self.opened.publish(to_outgoing(event))
