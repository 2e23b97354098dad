"""Metrics of the outbox: its length and its age."""

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import func, select

from app.core.database import get_read_session_context
from app.core.outbox.messages import OutboxMessage


async def measure_outbox() -> list[Metric]:
    """Return the number of messages by state, and the age of the oldest in seconds."""
    waits = OutboxMessage.error.is_(None)
    statement = select(
        func.count().filter(waits),
        func.count().filter(~waits),
        func.extract("epoch", func.now() - func.min(OutboxMessage.created_at).filter(waits)),
    ).select_from(OutboxMessage)
    async with get_read_session_context() as session:
        waiting, rejected, age = (await session.execute(statement)).one()
    messages = GaugeMetricFamily(
        "outbox_messages",
        "Messages in the outbox, by state: waiting or rejected.",
        labels=["state"],
    )
    messages.add_metric(["waiting"], waiting)
    messages.add_metric(["rejected"], rejected)
    oldest = GaugeMetricFamily(
        "outbox_oldest_message_age_seconds",
        "Age of the oldest waiting message.",
        float(age or 0),
    )
    return [messages, oldest]
