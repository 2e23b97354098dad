"""What the schemas of requests share."""

from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

NO_NUL: Final = r"^[^\x00]*$"
"""The pattern of a text without the character that many programs take for its end."""

ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_NUL),
]
LongText = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]


def _number(value: object) -> object:
    """Refuse what pydantic would convert: the OpenAPI document says that it is a number."""
    if isinstance(value, bool | str):
        raise ValueError("Write a number, without quotes.")
    return value


Count = Annotated[int, Field(ge=0, le=2_147_483_647), BeforeValidator(_number)]


class RequestBody(BaseModel):
    """The base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ChangeBody(RequestBody):
    """The base of PATCH bodies: a field that is left out or null stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    def changes(self) -> dict[str, Any]:
        """Return the fields to change."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes():
            raise ValueError("Name at least one field to change.")
        return self
