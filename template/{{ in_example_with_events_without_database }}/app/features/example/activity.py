"""Activity: event handlers that log changes to examples."""

from loguru import logger

from app.core.broker import events_broker
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent


@events_broker.task(ExampleCreatedEvent)
async def record_example_created(event: ExampleCreatedEvent) -> None:
    """Say in the log that an example was created."""
    logger.info("The example {} was created.", event.example_id)


@events_broker.task(ExampleUpdatedEvent)
async def record_example_updated(event: ExampleUpdatedEvent) -> None:
    """Say in the log that an example was updated."""
    logger.info("The example {} was updated.", event.example_id)


@events_broker.task(ExampleDeletedEvent)
async def record_example_deleted(event: ExampleDeletedEvent) -> None:
    """Say in the log that an example was deleted."""
    logger.info("The example {} was deleted.", event.example_id)
