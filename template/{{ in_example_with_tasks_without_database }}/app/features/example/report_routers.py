"""The route by which a report is asked for."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from app.common.error_handlers import error_responses
from app.core.tasks.sender import TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.repositories import ExampleReaderDep
from app.features.example.tasks import make_example_report

router = APIRouter(prefix="/examples", tags=["examples"])


class ReportAccepted(BaseModel):
    """A report will be made by the task with this id."""

    task_id: str


@router.post("/{example_id}/report", status_code=202, responses=error_responses(ExampleNotFound))
async def request_example_report(
    example_id: UUID,
    examples: ExampleReaderDep,
    tasks: TaskSenderDep,
) -> ReportAccepted:
    """Ask the worker for a report on an example; it appears in the worker's log."""
    example = await examples.read(example_id)
    return ReportAccepted(task_id=await tasks.send(make_example_report, example_id, example.name))
