"""Activity: what happens to examples, told in the log as the events arrive."""

from loguru import logger

from app.core.broker import events_broker
from app.events.schemas import ExampleCreated, ExampleDeleted, ExampleUpdated
from app.events.subjects import EXAMPLE_CREATED, EXAMPLE_DELETED, EXAMPLE_UPDATED


@events_broker.task(EXAMPLE_CREATED)
async def record_example_created(event: ExampleCreated) -> None:
    """Say in the log that an example was created."""
    logger.info("The example {} was created.", event.example_id)


@events_broker.task(EXAMPLE_UPDATED)
async def record_example_updated(event: ExampleUpdated) -> None:
    """Say in the log that an example was updated."""
    logger.info("The example {} was updated.", event.example_id)


@events_broker.task(EXAMPLE_DELETED)
async def record_example_deleted(event: ExampleDeleted) -> None:
    """Say in the log that an example was deleted."""
    logger.info("The example {} was deleted.", event.example_id)
