"""When traces leave, and what logs say of them."""

import json
import logging

import pytest
from loguru import logger
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext

from app.common.logging_config import setup_logging
from app.core.config import Settings
from app.observability.tracing import OnceInAWhile, tracing

SPAN = NonRecordingSpan(SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False))


async def test_without_a_collector_nothing_is_recorded(settings: Settings) -> None:
    async with tracing(settings):
        assert not trace.get_tracer("tests").start_span("a span").is_recording()


def test_in_production_a_line_names_the_trace_and_the_span_that_it_belongs_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("production")
    try:
        with trace.use_span(SPAN):
            logger.info("inside")
        logger.info("outside")
    finally:
        setup_logging("test")

    inside, outside = map(json.loads, capsys.readouterr().err.splitlines())
    assert (inside["trace_id"], inside["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert "trace_id" not in outside


def test_a_collector_that_is_gone_is_not_told_with_every_span(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = logging.getLogger("tests.exporter")
    exporter.addFilter(OnceInAWhile())
    for _ in range(3):
        exporter.warning("No collector is there.")
    assert len(caplog.records) == 1
