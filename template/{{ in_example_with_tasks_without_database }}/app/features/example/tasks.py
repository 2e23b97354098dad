"""Reports on examples: a route asks for one, and the worker tells it in the log."""

from uuid import UUID

from fastapi import APIRouter
from loguru import logger

from app.core.broker import broker
from app.core.errors import raises
from app.core.tasks.sender import TaskAccepted, TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.repositories import ExampleReaderDep

router = APIRouter(prefix="/examples/{example_id}/report", tags=["examples"])


@broker.task
async def make_example_report(example_id: UUID, name: str) -> None:
    """Log the report: the example itself is in the API's memory."""
    logger.info("The report on the example {} ({}) is made.", name, example_id)


@router.post("", status_code=202)
@raises(ExampleNotFound)
async def request_example_report(
    example_id: UUID,
    examples: ExampleReaderDep,
    tasks: TaskSenderDep,
) -> TaskAccepted:
    """Ask the worker for a report on an example; it appears in the worker's log."""
    example = await examples.read(example_id)
    return TaskAccepted(task_id=await tasks.send(make_example_report, example_id, example.name))
