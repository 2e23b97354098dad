"""The request and response schemas of examples."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from app.common.schemas import ChangeBody, Count, LongText, RequestBody, ShortText
from app.features.example.models import ExampleStatus

ExampleSearch = Annotated[
    ShortText | None,
    Query(description="A part of the name, in upper or lower case."),
]
ExampleSort = Annotated[
    Literal["created_at", "-created_at", "name", "-name", "quantity", "-quantity"],
    Query(description="The field to sort by; a leading - reverses the order."),
]


class ExampleCreate(RequestBody):
    """A new example."""

    name: ShortText
    description: LongText = ""
    status: ExampleStatus = ExampleStatus.DRAFT
    quantity: Count = 0


class ExampleUpdate(ChangeBody):
    """What to change of an example; what is left out or null stays as it is."""

    name: ShortText | None = None
    description: LongText | None = None
    status: ExampleStatus | None = None
    quantity: Count | None = None


class ExampleResponse(BaseModel):
    """A stored example."""

    id: UUID
    name: str
    description: str
    status: ExampleStatus
    quantity: int
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Increases with each change; the ETag contains it.")
