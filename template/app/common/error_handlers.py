"""Turn errors into responses, and describe them in the OpenAPI document."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from loguru import logger
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.allow_header import allowed_methods
from app.common.json_utils import dumps
from app.common.response_envelope import (
    FailureEnvelope,
    InvalidField,
    InvalidFields,
    ValidationFailure,
    reason_code,
    reason_phrase,
    skip_envelope,
)
from app.core.errors import DomainError, PayloadTooLarge, ServiceUnavailable


def error_responses(*classes: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Document these errors: `@router.get(…, responses=error_responses(BookNotFound))`."""
    by_status: dict[int, list[type[DomainError]]] = defaultdict(list)
    for cls in classes:
        by_status[cls.status].append(cls)
    return {
        status: {
            "description": " ".join(cls.default_message for cls in same_status),
            "content": {
                "application/json": {
                    "schema": {"oneOf": [error_schema(cls) for cls in same_status]},
                    "examples": {
                        cls.code: {
                            "summary": cls.default_message,
                            "value": _envelope(status, cls.default_message, cls.code),
                        }
                        for cls in same_status
                    },
                },
            },
        }
        for status, same_status in by_status.items()
    }


def error_schema(cls: type[DomainError]) -> dict[str, Any]:
    """Describe the envelope of an error; `app/common/openapi.py` makes it a component."""
    schema = FailureEnvelope.model_json_schema(mode="serialization")
    schema["title"] = cls.__name__
    schema["description"] = cls.default_message
    schema["properties"]["code"] = {"type": "integer", "const": cls.status}
    schema["properties"]["data"] = {"type": "null"}
    schema["properties"]["error"] = {"type": "string", "const": cls.code}
    return schema


def install_error_handlers(app: FastAPI) -> None:
    """Respond to every error of `app` with the failure envelope."""
    for cls in (DomainError, RequestValidationError, HTTPException):
        app.add_exception_handler(cls, _on_error)
    # A handler for Exception would run outside all middleware: its response would lack the
    # headers, and its log line the request id. The innermost middleware has both.
    app.user_middleware.append(Middleware(UnexpectedErrorMiddleware))


async def _on_error(request: Request, error: Exception) -> Response:
    return failure_response(request.scope, error)


class UnexpectedErrorMiddleware:
    """Turns an unexpected error into a 500 without details; the log has the details."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        response_started = False

        async def observed_send(message: Message) -> None:
            nonlocal response_started
            response_started = response_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        except Exception as error:
            # A started response cannot be replaced: the server must close the connection.
            # In debug mode the framework shows the trace to the developer.
            if response_started or scope["app"].debug:
                raise
            logger.opt(exception=error).error(
                "{} {} failed unexpectedly",
                scope["method"],
                scope["path"],
            )
            await failure_response(scope, error)(scope, receive, send)


def failure_response(scope: Scope, error: Exception) -> Response:
    """Return the response for an error."""
    headers: Mapping[str, str] | None = None
    match error:
        case DomainError():
            headers = error.headers
            content = _envelope(error.status, error.message, error.code)
            if error.status >= 500:
                logger.warning("{} (because of {!r})", error.message, error.__cause__)
        case RequestValidationError():
            faults = [_invalid_field(details) for details in error.errors()]
            content = ValidationFailure(data=InvalidFields(errors=faults)).model_dump()
        case HTTPException(status_code=PayloadTooLarge.status, detail="Content Too Large"):
            # The framework's error for a streamed body over the limit.
            return failure_response(scope, PayloadTooLarge())
        case HTTPException(status_code=400, __cause__=OSError() as cause):
            # The framework raises this also if the machine has no space for the body.
            failure = ServiceUnavailable()
            failure.__cause__ = cause
            return failure_response(scope, failure)
        case HTTPException(status_code=status) if status < 400:
            return Response(status_code=status, headers=error.headers)
        case HTTPException(status_code=status):
            headers = error.headers
            if status == 405 and (methods := allowed_methods(scope)):
                headers = {"Allow": ", ".join(methods)}
            message, data = reason_phrase(status), None
            detail: object = error.detail  # FastAPI allows any data here
            if isinstance(detail, str):
                message = detail
            else:
                data = detail
            content = _envelope(status, message, reason_code(status), data)
        case _:
            message = "Something went wrong on our side; search the log for the request id."
            content = _envelope(500, message, reason_code(500))
    skip_envelope(scope)
    return Response(dumps(content), content["code"], headers, "application/json")


def _envelope(status: int, message: str, code: str, data: object = None) -> dict[str, Any]:
    return FailureEnvelope(code=status, message=message, data=data, error=code).model_dump()


def _invalid_field(details: Mapping[str, Any]) -> InvalidField:
    location, *path = details["loc"]
    if details["type"] == "json_invalid":  # then the path is a position in the text
        reason = f"This is not JSON: {details['ctx']['error']} (at character {path[0]})."
        return InvalidField(location=location, field=None, reason=reason)
    reason = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    field = ".".join(str(step) for step in path) or None
    return InvalidField(location=location, field=field, reason=reason)
