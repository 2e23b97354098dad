"""Reports: what the worker writes about an example when someone asks for it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.errors import NotFound
from app.features.example.errors import ExampleNotFound
from app.features.example.models import Example
from app.features.example.repositories import ExampleRepository


class ReportNotFound(NotFound):
    """This example has no report, or none yet."""


class ExampleReport(Base):
    """The newest report on an example."""

    __tablename__ = "example_reports"

    example_id: Mapped[UUID] = mapped_column(
        ForeignKey(Example.id, ondelete="CASCADE"),
        primary_key=True,
    )
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


async def write_report(session: AsyncSession, example_id: UUID) -> None:
    """Write the report on an example anew; made twice, it is the same as made once."""
    try:
        example = await ExampleRepository(session).find(example_id)
    except ExampleNotFound:  # deleted since it was asked for
        return
    text = f"{example.name} is {example.status} in version {example.version}: {example.quantity}."
    await session.merge(ExampleReport(example_id=example_id, text=text))
