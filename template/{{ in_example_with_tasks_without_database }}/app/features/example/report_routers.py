"""The route by which a report is asked for; it changes something, hence `write_router`."""

from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel

from app.common.error_handlers import error_responses
from app.core.tasks.sender import TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.services import ExampleServiceDep
from app.features.example.tasks import make_example_report

write_router = APIRouter(prefix="/examples", tags=["examples"])


class ReportAccepted(BaseModel):
    """A report will be made by the task with this id."""

    task_id: str


@write_router.post(
    "/{example_id}/report",
    status_code=status.HTTP_202_ACCEPTED,
    responses=error_responses(ExampleNotFound),
)
async def request_example_report(
    example_id: UUID,
    examples: ExampleServiceDep,
    tasks: TaskSenderDep,
) -> ReportAccepted:
    """Ask the worker for a report on an example; it appears in the worker's log."""
    example = await examples.get(example_id)
    return ReportAccepted(task_id=await tasks.send(make_example_report, example_id, example.name))
