"""What is seen of the database."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.config import Settings
from app.core.database import connected_engine
from app.observability import database


async def test_statements_of_what_is_traced_are_spans_without_values(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    monkeypatch.setattr(database, "_TRACER", tracer)
    database.trace_statements()

    async with connected_engine(settings) as engine, engine.connect() as connection:
        await connection.execute(text("SELECT 'of nobody'"))
        with tracer.start_as_current_span("request") as request:
            await connection.execute(text("SELECT :word"), {"word": "secret"})
            with pytest.raises(DBAPIError):
                await connection.execute(text("SELECT 1 / :zero"), {"zero": 0})

    good, bad, _ = exporter.get_finished_spans()
    assert good.attributes is not None
    assert good.attributes["db.query.text"] == "SELECT $1"
    assert (good.name, good.parent) == ("SELECT", request.get_span_context())
    assert (good.status.status_code, bad.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
