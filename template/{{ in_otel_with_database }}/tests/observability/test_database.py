"""What is seen of the database."""

import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.config import Settings
from app.core.database import connected_engine, get_read_session_context
from app.observability import database
from app.observability.metrics import METRICS_PATH


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


@pytest.mark.usefixtures("app")
async def test_the_pool_is_seen_to_be_used(settings: Settings) -> None:
    def connections(state: str) -> float:
        return REGISTRY.get_sample_value("db_client_connection_count", {"state": state}) or 0

    used = connections("used")
    async with get_read_session_context() as session:
        await session.execute(text("SELECT 1"))
        assert connections("used") == used + 1
    assert connections("used") == used
    assert connections("idle") > 0
    most = REGISTRY.get_sample_value("db_client_connection_max")
    assert most == settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW


async def test_the_metrics_are_there_in_a_tests_transaction(client: httpx2.AsyncClient) -> None:
    answer = await client.get(METRICS_PATH)
    assert "db_client_connection_max" in answer.text
