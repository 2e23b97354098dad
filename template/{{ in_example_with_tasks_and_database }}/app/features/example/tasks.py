"""What the worker does for examples."""

from uuid import UUID

from app.core.broker import broker
from app.core.database import get_session_context
from app.features.example.reports import write_report


@broker.task
async def make_example_report(example_id: UUID) -> None:
    """Write the report on an example anew; made twice, it is the same as made once."""
    async with get_session_context() as session:
        await write_report(session, example_id)
