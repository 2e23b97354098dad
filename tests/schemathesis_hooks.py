"""What schemathesis must be told of the example feature, because no OpenAPI document can say it."""

from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    RejectedPositiveData,
    UnsupportedMethodResponse,
    UseAfterFree,
)

# What files of these types begin with.
for content_type, mark in {
    "application/pdf": b"%PDF-",
    "application/zip": b"PK\x03\x04",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF\0\0\0\0WEBP",
}.items():
    contents = strategies.binary(max_size=64).map(mark.__add__)
    schemathesis.openapi.media_type(content_type, contents)
texts = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0"), max_size=64)
for content_type in ("text/csv", "text/plain"):
    schemathesis.openapi.media_type(content_type, texts.map(str.encode))


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Return whether `failure` is one."""
    match failure:
        case RejectedPositiveData():
            error = response.json()["error"]
            if error == "validation_error" and isinstance(case.body, dict):
                return set(case.body.values()) != {None}  # which changes nothing
            if error == "invalid_if_match":  # it sends 0 where a pattern has quotes, as ETags do
                return dict(case.headers or {}).get("If-Match") != "0"
            # A cursor is one that was given before; an ETag may be that of an older version.
            return error not in ("invalid_cursor", "example_changed")
        case EnsureResourceAvailability():  # a report is made by the worker, after the answer
            return bool(response.json()["error"] != "report_not_found")
        case UnsupportedMethodResponse():  # nobody knows yet who asks
            return response.status_code != 401
        case UseAfterFree():  # what has happened is told for ever
            return not case.path.endswith("/activity")
    return True
