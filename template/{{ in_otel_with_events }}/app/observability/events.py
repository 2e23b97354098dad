"""Telemetry of event handlers: a span and a duration for each attempt."""

import time
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from prometheus_client import Histogram

from app.core.errors import ServiceUnavailable
from app.core.nats.base_event import BaseEvent
from app.core.nats.event_broker import EventHandler, Handle

_TRACER: Final = trace.get_tracer("app")

HANDLED: Final = Histogram(
    "event_handling_duration_seconds",
    "Duration of a handler's attempt at an event. A deferred event (a server is unavailable) and "
    "a failed one are redelivered.",
    ["handler", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


def observed(handle: Handle) -> Handle:
    """Wrap `handle` in a span, and measure its duration."""

    async def observe(handler: EventHandler, event: BaseEvent) -> None:
        outcome, start = "failed", time.perf_counter()
        attributes = {
            "messaging.system": "nats",
            "messaging.operation.name": "process",
            "messaging.destination.name": event.subject,
            "messaging.message.id": str(event.event_id),
            "messaging.consumer.group.name": handler.name,
        }
        try:
            with _TRACER.start_as_current_span(
                f"process {event.subject}",
                kind=SpanKind.CONSUMER,
                attributes=attributes,
            ):
                await handle(handler, event)
            outcome = "done"
        except ServiceUnavailable:
            outcome = "deferred"
            raise
        finally:
            HANDLED.labels(handler.name, outcome).observe(time.perf_counter() - start)

    return observe
