"""Database telemetry: a span for each statement, and metrics of the pool."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import Gauge
from sqlalchemy import Engine, ExceptionContext, QueuePool, event

from app.core import dialect, rows
from app.core.database import AsyncSessionFactory

_TRACER: Final = trace.get_tracer("app")

POOL_CONNECTIONS: Final = Gauge(
    "db_client_connection_count",
    "Database connections of this process, by state.",
    ["state"],
)
POOL_SIZE: Final = Gauge(
    "db_client_connection_max",
    "Maximum number of database connections of this process.",
)


def _pool() -> QueuePool | None:
    bind = AsyncSessionFactory.kw.get("bind")  # an engine, or a test's connection, which has one
    return None if bind is None else bind.engine.pool


def _used() -> float:
    pool = _pool()
    return pool.checkedout() if pool else 0


def _idle() -> float:
    pool = _pool()
    return pool.checkedin() if pool else 0


def _size() -> float:
    pool = _pool()
    return pool.size() + pool._max_overflow if pool else 0


POOL_CONNECTIONS.labels("used").set_function(_used)
POOL_CONNECTIONS.labels("idle").set_function(_idle)
POOL_SIZE.set_function(_size)


def trace_statements() -> None:
    """Create a span for each statement inside a trace, on any engine."""
    rows.observe = _traced
    if event.contains(Engine, "before_cursor_execute", _begin):
        return
    event.listen(Engine, "before_cursor_execute", _begin)
    event.listen(Engine, "after_cursor_execute", _end)
    event.listen(Engine, "handle_error", _fail)


def _started_span(statement: str) -> Span:
    operation = statement.split(None, 1)[0].upper()
    return _TRACER.start_span(
        operation,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": dialect.NAME,
            "db.operation.name": operation,
            "db.query.text": statement,  # with placeholders, never with values
        },
    )


@contextmanager
def _traced(statement: str) -> Iterator[None]:
    if not trace.get_current_span().is_recording():
        yield
        return
    span = _started_span(statement)
    try:
        yield
    except BaseException as error:
        _set_failed(span, error)
        raise
    finally:
        span.end()


def _begin(_: Any, __: Any, statement: str, ___: Any, execution: Any, ____: Any) -> None:
    if trace.get_current_span().is_recording():
        execution.traced_as = _started_span(statement)


def _end(_: Any, __: Any, ___: Any, ____: Any, execution: Any, _____: Any) -> None:
    span: Span | None = getattr(execution, "traced_as", None)
    if span is not None:
        span.end()


def _fail(failure: ExceptionContext) -> None:
    span: Span | None = getattr(failure.execution_context, "traced_as", None)
    if span is not None:
        _set_failed(span, failure.original_exception)
        span.end()


def _set_failed(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
