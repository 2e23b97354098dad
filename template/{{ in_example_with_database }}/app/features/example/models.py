"""The table of examples."""

from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, TimestampMixin


class ExampleStatus(StrEnum):
    """The state of an example."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Example(TimestampMixin, Base):
    """An example; `version` grows with every change."""

    __tablename__ = "examples"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        Index(None, "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    description: Mapped[str] = mapped_column(String(2000))
    status: Mapped[ExampleStatus]
    quantity: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
