"""Traces: one tree for a request and everything it causes, across processes."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.types import Scope

from app.common.root_path import route_path
from app.core.config import Settings

FLUSH_LIMIT: float = 2
"""Seconds to flush pending spans at shutdown."""

SILENCE: Final = 60
"""Seconds between two log lines about a failing collector."""


def is_probe(scope: Scope) -> bool:
    """Return whether a request is a probe of an orchestrator or a scrape of Prometheus."""
    return route_path(scope).startswith(("/health/", "/metrics"))


TELEMETRY: Final[TelemetryConfig] = {
    "auto_configure": False,  # `tracing` does it
    "exclude": is_probe,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
}
"""FastAPI's own instrumentation: one span per request, except probes."""


_on_start: Final[list[Callable[[], None]]] = []


def on_start(function: Callable[[], None]) -> None:
    """Call `function` when tracing starts: it instruments a library."""
    _on_start.append(function)


@asynccontextmanager
async def tracing(settings: Settings) -> AsyncIterator[None]:
    """Send the spans of this process to the collector of `settings`, if there is one.

    If the collector is slow or unreachable, spans are dropped, and nothing else is affected.
    """
    endpoint = _traces_endpoint(settings)
    if endpoint is None:
        yield
        return
    # Imported here to spare services without a collector the time and memory.
    from opentelemetry.exporter.otlp.proto.http import trace_exporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.getLogger(trace_exporter.__name__).addFilter(OnceInAWhile())
    resource = Resource.create(
        {
            "service.name": settings.OTEL_SERVICE_NAME,
            "deployment.environment.name": settings.APP_ENV,
        },
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = trace_exporter.OTLPSpanExporter(endpoint=endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    for start in _on_start:
        start()
    try:
        yield
    finally:
        # A daemon thread: the program does not wait for it if it takes longer.
        flushing = threading.Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        await asyncio.to_thread(flushing.join, FLUSH_LIMIT)


def _traces_endpoint(settings: Settings) -> str | None:
    if settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT:
        return settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    return None


class OnceInAWhile(logging.Filter):
    """Passes one record per SILENCE seconds."""

    _last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._last < SILENCE:
            return False
        self._last = now
        return True
