"""The ids of the current trace and span, for logs."""

from opentelemetry import trace


def trace_ids() -> dict[str, str]:
    """Return the ids of the current trace and span; empty outside a trace."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(span.trace_id),
        "span_id": trace.format_span_id(span.span_id),
    }
