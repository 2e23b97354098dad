"""Telemetry of tasks: the trace that sent them, a span and a duration for each attempt."""

from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import Histogram
from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.exceptions import NoResultError

from app.core.errors import ServiceUnavailable
from app.observability.messages import extract, inject

_TRACER: Final = trace.get_tracer("app")

RUN: Final = Histogram(
    "task_duration_seconds",
    "Duration of a task's attempt. A deferred task (a server is unavailable) runs again; a failed "
    "one does unless it was the last attempt.",
    ["task", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


class TaskTelemetry(TaskiqMiddleware):
    """Continues the trace of the sender in the worker, and measures the task."""

    def __init__(self) -> None:
        super().__init__()
        # Each task runs in its own asyncio task, and so in its own context.
        self._span: ContextVar[tuple[Span, ExitStack]] = ContextVar("span")

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        """Inject the current trace context."""
        message.labels.update(inject(f"send {message.task_name}"))
        return message

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Start the span of this attempt."""
        stack = ExitStack()
        stack.enter_context(extract(message.labels))
        begun: AbstractContextManager[Span] = _TRACER.start_as_current_span(
            f"process {message.task_name}",
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "nats",
                "messaging.operation.name": "process",
                "messaging.destination.name": message.task_name,
                "messaging.message.id": message.task_id,
            },
        )
        self._span.set((stack.enter_context(begun), stack))
        return message

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        """End the span, and record the outcome and the duration."""
        span, stack = self._span.get()
        outcome = "done"
        if result.error is not None and not isinstance(result.error, NoResultError):
            outcome = "deferred" if isinstance(result.error, ServiceUnavailable) else "failed"
            span.record_exception(result.error)
            span.set_status(StatusCode.ERROR)
        stack.close()
        RUN.labels(message.task_name, outcome).observe(result.execution_time)
