"""The routes of reports."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.common.error_handlers import error_responses
from app.core.database import ReadSessionDep
from app.core.tasks.sender import TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.reports import ExampleReport, ReportNotFound
from app.features.example.repositories import ExampleReaderDep
from app.features.example.tasks import make_example_report

router = APIRouter(prefix="/examples", tags=["examples"])


class ReportAccepted(BaseModel):
    """A report will be made by the task with this id."""

    task_id: str


class ReportResponse(BaseModel):
    """The newest report on an example."""

    model_config = ConfigDict(from_attributes=True)

    example_id: UUID
    text: str
    made_at: datetime


@router.post("/{example_id}/report", status_code=202, responses=error_responses(ExampleNotFound))
async def request_example_report(
    example_id: UUID,
    examples: ExampleReaderDep,
    tasks: TaskSenderDep,
) -> ReportAccepted:
    """Ask the worker for a report on an example."""
    await examples.read(example_id)
    return ReportAccepted(task_id=await tasks.send(make_example_report, example_id))


@router.get("/{example_id}/report", responses=error_responses(ReportNotFound))
async def get_example_report(example_id: UUID, session: ReadSessionDep) -> ReportResponse:
    """Return the newest report on an example."""
    report = await session.get(ExampleReport, example_id)
    if report is None:
        raise ReportNotFound
    return ReportResponse.model_validate(report)
