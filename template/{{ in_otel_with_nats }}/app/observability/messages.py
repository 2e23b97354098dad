"""The trace context of messages: injected into headers, and extracted by handlers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind

_TRACER: Final = trace.get_tracer("app")


def inject(name: str) -> dict[str, str]:
    """Create a span for an outgoing message, and return the headers with its context."""
    headers: dict[str, str] = {}
    span = _TRACER.start_span(name, kind=SpanKind.PRODUCER)
    propagate.inject(headers, trace.set_span_in_context(span))
    span.end()
    return headers


@contextmanager
def extract(headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block in the trace of an incoming message."""
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
