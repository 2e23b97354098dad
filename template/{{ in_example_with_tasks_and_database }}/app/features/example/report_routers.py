"""The routes of reports. `write_router` has the one that changes something."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict

from app.common.error_handlers import error_responses
from app.core.database import ReadSessionDep
from app.core.tasks.sender import TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.reports import ReportNotFound, find_report
from app.features.example.services import ExampleServiceDep
from app.features.example.tasks import make_example_report

router = APIRouter(prefix="/examples", tags=["examples"])
write_router = APIRouter(prefix="/examples", tags=["examples"])


class ReportAccepted(BaseModel):
    """A report will be made by the task with this id."""

    task_id: str


class ReportResponse(BaseModel):
    """The newest report on an example."""

    model_config = ConfigDict(from_attributes=True)

    example_id: UUID
    text: str
    made_at: datetime


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
    """Ask the worker for a report on an example."""
    await examples.get(example_id)
    return ReportAccepted(task_id=await tasks.send(make_example_report, example_id))


@router.get("/{example_id}/report", responses=error_responses(ReportNotFound))
async def get_example_report(example_id: UUID, session: ReadSessionDep) -> ReportResponse:
    """Return the newest report on an example."""
    return ReportResponse.model_validate(await find_report(session, example_id))
