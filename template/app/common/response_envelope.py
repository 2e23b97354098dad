"""The envelope of every JSON response: `{"code": …, "message": …, "data": …, "error": …}`."""

from contextvars import ContextVar
from functools import lru_cache
from http.client import responses
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from starlette.requests import HTTPConnection
from starlette.types import Scope

REFERENCE: Final = "#/components/schemas/"
ENVELOPE_MARK: Final = "x-envelope"  # marks schemas while the document is built

T = TypeVar("T")

_ALWAYS_COMPLETE: Final = ConfigDict(json_schema_serialization_defaults_required=True)
_SKIP_ENVELOPE: Final = "app.skip_envelope"
_ENVELOPE_CREATED: Final = "app.envelope_created"
# The current request; creating a `ResponseEnvelope` marks it.
envelope_scope: ContextVar[Scope | None] = ContextVar("envelope_scope", default=None)
# Statuses whose phrase differs between versions of Python.
_CODES: Final = {413: "payload_too_large", 415: "unsupported_media", 422: "unprocessable"}


class ResponseEnvelope(BaseModel, Generic[T]):
    """An envelope that a handler returns itself; it is not wrapped again.

    Handlers rarely need it: the middleware wraps what they return. `code` only sets the field in
    the body; the route or the response sets the HTTP status.
    """

    model_config = _ALWAYS_COMPLETE

    code: int = Field(200, description="The HTTP status.")
    message: str = Field("success", description="What happened, for people.")
    data: T | None = None
    error: str | None = Field(None, description="What went wrong, for programs.")

    def model_post_init(self, _: Any, /) -> None:
        """Mark the current request: its body may be an envelope already."""
        scope = envelope_scope.get()
        if scope is not None:
            scope[_ENVELOPE_CREATED] = True

    @classmethod
    def __get_pydantic_json_schema__(
        cls,
        core_schema: CoreSchema,
        handler: GetJsonSchemaHandler,
        /,
    ) -> JsonSchemaValue:
        """Mark the schema for the OpenAPI document, also that of a subclass."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        schema[ENVELOPE_MARK] = True
        if cls is ResponseEnvelope:  # a narrower one has data of its own type
            data = {"id": 1, "name": "example"}
            schema["example"] = {"code": 200, "message": "success", "data": data, "error": None}
        return reference


class SuccessEnvelope(BaseModel, Generic[T]):
    """The response to a successful request."""

    model_config = _ALWAYS_COMPLETE

    code: int = Field(description="The HTTP status.")
    message: Literal["success"] = "success"
    data: T
    error: None = None


class FailureEnvelope(BaseModel):
    """The response to a failed request."""

    model_config = _ALWAYS_COMPLETE

    code: int = Field(description="The HTTP status.")
    message: str = Field(description="What went wrong, for people.")
    data: Any = None
    error: str = Field(description="What went wrong, for programs.")


class InvalidField(BaseModel):
    """One error of a request."""

    location: str = Field(description="body, query, path, header or cookie.")
    field: str | None = Field(description="The name, such as `items.3.price`; null for the whole.")
    reason: str


class InvalidFields(BaseModel):
    """Every error of a request."""

    errors: list[InvalidField]


class ValidationFailure(BaseModel):
    """The response to an invalid request."""

    model_config = _ALWAYS_COMPLETE

    code: Literal[422] = 422
    message: str = "The request is not valid; data.errors says where."
    data: InvalidFields
    error: Literal["validation_error"] = "validation_error"


def reason_phrase(status: int) -> str:
    """Return the default message of a response with this status."""
    return responses.get(status, "Error")


def reason_code(status: int) -> str:
    """Return the default `error` of a response, such as `bad_request` for 400."""
    words = reason_phrase(status).lower().replace("'", "").replace("-", " ").split()
    return _CODES.get(status) or "_".join(words)


@lru_cache(maxsize=64)
def envelope_parts(status: int) -> tuple[bytes, bytes]:
    """Return the bytes before and after the body of a response with this status."""
    envelope: BaseModel
    if status < 400:
        envelope = SuccessEnvelope[None](code=status, data=None)
    else:
        message, code = reason_phrase(status), reason_code(status)
        envelope = FailureEnvelope(code=status, message=message, error=code)
    before, data, after = envelope.model_dump_json().partition('"data":null')
    return (before + data.removesuffix("null")).encode(), after.encode()


def skip_envelope(scope: Scope) -> None:
    """Make the envelope middleware skip the response to this request."""
    scope[_SKIP_ENVELOPE] = True


def skips_envelope(scope: Scope) -> bool:
    """Return whether `skip_envelope` was called for this request."""
    return _SKIP_ENVELOPE in scope


def created_envelope(scope: Scope) -> bool:
    """Return whether this request has created a `ResponseEnvelope`."""
    return _ENVELOPE_CREATED in scope


def is_envelope_type(response_model: object) -> bool:
    """Return whether a route with this response model always returns a `ResponseEnvelope`."""
    return ResponseEnvelope in getattr(response_model, "__mro__", ())


async def without_envelope(connection: HTTPConnection) -> None:
    """Send the bare body: `dependencies=[Depends(without_envelope)]`.

    It works on a route, on a router and on `include_router`. The OpenAPI document describes the
    bare body then. Errors keep their envelope.
    """
    skip_envelope(connection.scope)
