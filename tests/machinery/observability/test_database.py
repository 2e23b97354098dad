"""What is seen of the database."""

import httpx2
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from app.core.config import Settings
from app.core.database import get_read_session_context
from app.observability.metrics import METRICS_PATH


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
