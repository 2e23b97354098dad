"""How much waits in the outbox, and for how long."""

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
        "Messages in the outbox: waiting to be sent, or rejected since they cannot be.",
        labels=["state"],
    )
    messages.add_metric(["waiting"], waiting)
    messages.add_metric(["rejected"], rejected)
    oldest = GaugeMetricFamily(
        "outbox_oldest_message_age_seconds",
        "How long the oldest of those that wait has done so.",
        float(age or 0),
    )
    return [messages, oldest]
