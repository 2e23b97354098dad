"""Activity: a log of changes to examples, written by event handlers."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import BigInteger, Identity, Index, String, bindparam
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.common.pagination import Page, PageParamsDep
from app.common.repository import Repository
from app.core.broker import events_broker
from app.core.database import Base
from app.events.schemas import (
    ExampleCreatedEvent,
    ExampleDeletedEvent,
    ExampleEvent,
    ExampleUpdatedEvent,
)

router = APIRouter(prefix="/examples/{example_id}/activity", tags=["examples"])


class ExampleActivity(Base):
    """One change to an example. It is kept when the example is deleted."""

    __tablename__ = "example_activity"
    __table_args__ = (Index(None, "example_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    example_id: Mapped[UUID]
    action: Mapped[str] = mapped_column(String(20))
    occurred_at: Mapped[datetime]


class ActivityResponse(BaseModel):
    """One change to an example."""

    id: int
    action: str
    occurred_at: datetime


class ActivityRepository(Repository[ExampleActivity, ActivityResponse]):
    """The activity in the database."""

    model = ExampleActivity
    response = ActivityResponse
    filters: ClassVar = {"example_id": ExampleActivity.example_id == bindparam("example_id")}


ActivityReaderDep = Annotated[ActivityRepository, Depends(ActivityRepository.for_reading)]


def record(session: AsyncSession, event: ExampleEvent, action: str) -> None:
    """Write down what happened, in the transaction of `session`."""
    activity = ExampleActivity(example_id=event.example_id, action=action)
    activity.occurred_at = event.timestamp
    session.add(activity)


@events_broker.task(ExampleCreatedEvent)
async def record_example_created(event: ExampleCreatedEvent, session: AsyncSession) -> None:
    """Write down that an example was created."""
    record(session, event, "created")


@events_broker.task(ExampleUpdatedEvent)
async def record_example_updated(event: ExampleUpdatedEvent, session: AsyncSession) -> None:
    """Write down that an example was updated."""
    record(session, event, "updated")


@events_broker.task(ExampleDeletedEvent)
async def record_example_deleted(event: ExampleDeletedEvent, session: AsyncSession) -> None:
    """Write down that an example was deleted."""
    record(session, event, "deleted")


@router.get("")
async def list_example_activity(
    example_id: UUID,
    page: PageParamsDep,
    activity: ActivityReaderDep,
) -> Page[ActivityResponse]:
    """List what has happened to an example, oldest first; empty if nothing is known of it."""
    return await activity.page(page, example_id=example_id)
