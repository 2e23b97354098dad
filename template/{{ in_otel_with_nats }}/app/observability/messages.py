"""The trace context of messages: sent with them, and continued where they are handled."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind

_TRACER: Final = trace.get_tracer("app")


def inject(name: str) -> dict[str, str]:
    """Make a span for a message that is sent, and return the headers that carry its context."""
    headers: dict[str, str] = {}
    span = _TRACER.start_span(name, kind=SpanKind.PRODUCER)
    propagate.inject(headers, trace.set_span_in_context(span))
    span.end()
    return headers


@contextmanager
def extract(headers: Mapping[str, str]) -> Iterator[None]:
    """Do what is inside as a part of the trace that a message came from."""
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
