"""Activity: what has happened to examples, written down as the events arrive."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, Identity, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.common.error_handlers import error_responses
from app.common.pagination import InvalidCursor, Page, PageParamsDep
from app.core.broker import events_broker
from app.core.database import Base, ReadSessionDep
from app.events.schemas import ExampleCreatedEvent, ExampleDeletedEvent, ExampleUpdatedEvent

router: Final = APIRouter(prefix="/examples", tags=["examples"])


class ExampleActivity(Base):
    """One thing that happened to an example. It stays when the example is deleted."""

    __tablename__ = "example_activity"
    __table_args__ = (Index(None, "example_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    example_id: Mapped[UUID]
    action: Mapped[str] = mapped_column(String(20))
    occurred_at: Mapped[datetime]


class ActivityResponse(BaseModel):
    """One thing that happened to an example."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    action: str
    occurred_at: datetime


def record_activity(
    session: AsyncSession,
    event: ExampleCreatedEvent | ExampleUpdatedEvent | ExampleDeletedEvent,
) -> None:
    """Write down what `event` says, in the transaction of `session`."""
    activity = ExampleActivity(
        example_id=event.example_id,
        action=event.subject.rpartition(".")[2],
        occurred_at=event.timestamp,
    )
    session.add(activity)


@events_broker.task(ExampleCreatedEvent)
async def record_example_created(event: ExampleCreatedEvent, session: AsyncSession) -> None:
    """Write down that an example was created."""
    record_activity(session, event)


@events_broker.task(ExampleUpdatedEvent)
async def record_example_updated(event: ExampleUpdatedEvent, session: AsyncSession) -> None:
    """Write down that an example was updated."""
    record_activity(session, event)


@events_broker.task(ExampleDeletedEvent)
async def record_example_deleted(event: ExampleDeletedEvent, session: AsyncSession) -> None:
    """Write down that an example was deleted."""
    record_activity(session, event)


@router.get("/{example_id}/activity", responses=error_responses(InvalidCursor))
async def list_example_activity(
    example_id: UUID,
    page: PageParamsDep,
    session: ReadSessionDep,
) -> Page[ActivityResponse]:
    """List what has happened to an example, oldest first; empty if nothing is known of it."""
    statement = (
        select(ExampleActivity)
        .where(ExampleActivity.example_id == example_id)
        .order_by(ExampleActivity.id)
        .limit(page.limit + 1)
        .offset(page.offset)
    )
    if page.after is not None:
        statement = statement.where(ExampleActivity.id > page.after[0])
    rows = await session.scalars(statement)
    activities = [ActivityResponse.model_validate(row) for row in rows]
    return page.page(activities, lambda activity: (activity.id,))
