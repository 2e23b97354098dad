"""What the API takes and gives."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.features.example.models import ExampleStatus

NO_NUL = r"^[^\x00]*$"  # many programs take this character for the end of a text

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_NUL),
]
Search = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)] | None,
    Query(description="A part of the name, in upper or lower case."),
]
Description = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]
Quantity = Annotated[int, Field(ge=0, le=2_147_483_647)]
ExampleSort = Annotated[
    Literal["created_at", "-created_at", "name", "-name", "quantity", "-quantity"],
    Query(description="The field to sort by; - turns it round."),
]


class ExampleCreate(BaseModel):
    """A new example."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "First", "description": "To try", "quantity": 3}]},
    )

    name: Name
    description: Description = ""
    status: ExampleStatus = ExampleStatus.DRAFT
    quantity: Quantity = 0


class ExampleUpdate(BaseModel):
    """What to change of an example; what is left out or null stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"status": "active", "quantity": 5}],
            "minProperties": 1,
        },
    )

    name: Name | None = None
    description: Description | None = None
    status: ExampleStatus | None = None
    quantity: Quantity | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("Name at least one field to change.")
        return self


class ExampleResponse(BaseModel):
    """An example as it is stored."""

    id: UUID
    name: str
    description: str
    status: ExampleStatus
    quantity: int
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Counts the changes; the ETag says the same.")
