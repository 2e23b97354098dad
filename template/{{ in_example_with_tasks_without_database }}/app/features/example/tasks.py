"""What the worker does for examples."""

from uuid import UUID

from loguru import logger

from app.core.broker import broker


@broker.task
async def make_example_report(example_id: UUID, name: str) -> None:
    """Say in the log what there is to say: the example itself is in the API's memory."""
    logger.info("The report on the example {} ({}) is made.", name, example_id)
