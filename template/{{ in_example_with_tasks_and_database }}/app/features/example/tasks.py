"""Reports on examples: a route asks for one, and the worker writes it."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.broker import broker
from app.core.database import Base, ReadSessionDep, get_session_context
from app.core.errors import NotFound, raises
from app.core.tasks.sender import TaskAccepted, TaskSenderDep
from app.features.example.errors import ExampleNotFound
from app.features.example.models import Example
from app.features.example.repositories import ExampleReaderDep, ExampleRepository

router = APIRouter(prefix="/examples/{example_id}/report", tags=["examples"])


class ExampleReport(Base):
    """The newest report on an example."""

    __tablename__ = "example_reports"

    example_id: Mapped[UUID] = mapped_column(
        ForeignKey(Example.id, ondelete="CASCADE"),
        primary_key=True,
    )
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ReportResponse(BaseModel):
    """The newest report on an example."""

    model_config = ConfigDict(from_attributes=True)

    example_id: UUID
    text: str
    made_at: datetime


class ReportNotFound(NotFound):
    """This example has no report, or none yet."""


@broker.task
async def make_example_report(example_id: UUID) -> None:
    """Write the report on an example; idempotent."""
    async with get_session_context() as session:
        try:
            example = await ExampleRepository(session).find(example_id)
        except ExampleNotFound:  # deleted since it was asked for
            return
        text = f"{example.name} is {example.status} in version {example.version}."
        await session.merge(ExampleReport(example_id=example_id, text=text))


@router.post("", status_code=202)
@raises(ExampleNotFound)
async def request_example_report(
    example_id: UUID,
    examples: ExampleReaderDep,
    tasks: TaskSenderDep,
) -> TaskAccepted:
    """Ask the worker for a report on an example."""
    await examples.read(example_id)
    return TaskAccepted(task_id=await tasks.send(make_example_report, example_id))


@router.get("")
@raises(ReportNotFound)
async def get_example_report(example_id: UUID, session: ReadSessionDep) -> ReportResponse:
    """Return the newest report on an example."""
    report = await session.get(ExampleReport, example_id)
    if report is None:
        raise ReportNotFound
    return ReportResponse.model_validate(report)
