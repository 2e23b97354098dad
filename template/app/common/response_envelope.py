"""The one shape of every JSON answer: `{"code": …, "message": …, "data": …, "error": …}`."""

from functools import lru_cache
from http.client import responses
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.types import Scope

REFERENCE: Final = "#/components/schemas/"

T = TypeVar("T")

_ALWAYS_COMPLETE: Final = ConfigDict(json_schema_serialization_defaults_required=True)
_NOT_TO_WRAP: Final = "app.not_to_wrap"
# Where the phrases of HTTP have changed over the years.
_CODES: Final = {413: "payload_too_large", 415: "unsupported_media", 422: "unprocessable"}


class ResponseEnvelope(BaseModel, Generic[T]):
    """What a caller gets when the request succeeded."""

    model_config = _ALWAYS_COMPLETE

    code: int = Field(description="The HTTP status.")
    message: Literal["success"] = "success"
    data: T
    error: None = None


class FailureEnvelope(BaseModel):
    """What a caller gets when the request failed."""

    model_config = _ALWAYS_COMPLETE

    code: int = Field(description="The HTTP status.")
    message: str = Field(description="What went wrong, for people.")
    data: Any = None
    error: str = Field(description="What went wrong, for programs.")


class InvalidField(BaseModel):
    """One fault of a request."""

    location: str = Field(description="body, query, path, header or cookie.")
    field: str | None = Field(description="Its name, such as `items.3.price`; null for the whole.")
    reason: str


class InvalidFields(BaseModel):
    """Every fault of a request."""

    errors: list[InvalidField]


class ValidationFailure(BaseModel):
    """What a caller gets when the request does not have the documented form."""

    model_config = _ALWAYS_COMPLETE

    code: Literal[422] = 422
    message: str = "The request is not valid; data.errors says where."
    data: InvalidFields
    error: Literal["validation_error"] = "validation_error"


def reason_phrase(status: int) -> str:
    """Return the message of an answer that brings none itself."""
    return responses.get(status, "Error")


def reason_code(status: int) -> str:
    """Return the `error` of an answer that brings none itself, such as `bad_request` for 400."""
    words = reason_phrase(status).lower().replace("'", "").replace("-", " ").split()
    return _CODES.get(status) or "_".join(words)


@lru_cache(maxsize=64)
def envelope_parts(status: int) -> tuple[bytes, bytes]:
    """Return what stands before and after the body of an answer with this status."""
    envelope: BaseModel
    if status < 400:
        envelope = ResponseEnvelope[None](code=status, data=None)
    else:
        message, code = reason_phrase(status), reason_code(status)
        envelope = FailureEnvelope(code=status, message=message, error=code)
    before, data, after = envelope.model_dump_json().partition('"data":null')
    return (before + data.removesuffix("null")).encode(), after.encode()


def leave_as_it_is(scope: Scope) -> None:
    """Mark the answer to this request as one that the envelope middleware must not wrap."""
    scope[_NOT_TO_WRAP] = True


def is_left_as_it_is(scope: Scope) -> bool:
    """Tell whether `leave_as_it_is` was called for this request."""
    return _NOT_TO_WRAP in scope


async def without_envelope(connection: HTTPConnection) -> None:
    """Answer with the bare body: `dependencies=[Depends(without_envelope)]`.

    It works on a route, on a router and where a router is included. The documented schema is
    the bare one then. Errors keep their envelope.
    """
    leave_as_it_is(connection.scope)
