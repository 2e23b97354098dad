"""What an example is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ExampleStatus(StrEnum):
    """Where an example stands in its life."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """An example; `version` grows with every change."""

    id: UUID
    name: str
    description: str
    status: ExampleStatus
    quantity: int
    created_at: datetime
    updated_at: datetime
    version: int
