"""Makes the OpenAPI document tell what callers get: enveloped answers and the real errors."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.common.response_envelope import (
    REFERENCE,
    FailureEnvelope,
    ResponseEnvelope,
    ValidationFailure,
    without_envelope,
)
from app.core.errors import (
    BadRequest,
    PayloadTooLarge,
    RequestTooSlow,
    ServiceUnavailable,
    error_responses,
)

_JSON: Final = "application/json"
_OF_BODIES: Final = (BadRequest, RequestTooSlow, PayloadTooLarge)

Schema = dict[str, Any]


def document_envelopes(app: FastAPI) -> None:
    """Let `app.openapi()` describe the envelope around what the routes declare."""
    original, documented = app.openapi, None

    def openapi() -> Schema:
        nonlocal documented
        schema = original()  # FastAPI builds it anew when routes were added
        if schema is not documented:
            _describe_answers(app, schema)
            documented = schema
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _describe_answers(app: FastAPI, document: Schema) -> None:
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (FailureEnvelope, ValidationFailure):
        schema = model.model_json_schema(ref_template=REFERENCE + "{model}", mode="serialization")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    for operation, is_wrapped in _operations(app, document):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get(_JSON)
            if content is None:
                continue
            if is_wrapped and status.isdigit() and 200 <= int(status) < 300:
                envelope = _enveloped(content.get("schema", {}), int(status), operation, schemas)
                content["schema"] = {"$ref": REFERENCE + envelope}
            for example in content.get("examples", {}).values():
                if example["value"].keys() == {"code", "message", "error"}:  # null was dropped
                    example["value"]["data"] = None
        if "requestBody" in operation:
            for refused, response in error_responses(*_OF_BODIES).items():
                operation["responses"].setdefault(str(refused), response)
        if "parameters" in operation or "requestBody" in operation:
            _describe_validation(operation["responses"])
        _describe_unavailability(operation["responses"])
        for parameter in operation.get("parameters", ()):
            _describe_parameter(parameter["schema"])


def _operations(app: FastAPI, document: Schema) -> Iterator[tuple[Schema, bool]]:
    """Yield every documented operation, and whether its answers are put into the envelope."""
    is_wrapped = {
        (context.path_format, method.lower()): not _depends_on_bare_answers(context.dependant)
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
    for path, path_item in document.get("paths", {}).items():
        for method, operation in path_item.items():
            yield operation, is_wrapped[path, method]


def _depends_on_bare_answers(dependant: Dependant) -> bool:
    return any(
        part.call is without_envelope or _depends_on_bare_answers(part)
        for part in dependant.dependencies
    )


def _enveloped(data: Schema, status: int, operation: Schema, schemas: Schema) -> str:
    """Add the component that describes `data` in its envelope; return its name."""
    if "$ref" in data:
        name = data["$ref"].removeprefix(REFERENCE)
    elif data.get("type") == "array" and "$ref" in data.get("items", {}):
        name = f"List_{data['items']['$ref'].removeprefix(REFERENCE)}"
    else:
        name = operation["operationId"]
    name = (f"Envelope_{name}" if status == 200 else f"Envelope_{status}_{name}").rstrip("_")
    schema = ResponseEnvelope[Any].model_json_schema(mode="serialization")
    schema["title"] = name
    schema["properties"]["code"]["const"] = status
    schema["properties"]["data"] = data
    schemas[name] = schema
    return name


def _describe_validation(responses: Schema) -> None:
    """Name the validation error among the 422 answers, besides those that a route documents."""
    reference = {"$ref": REFERENCE + ValidationFailure.__name__}
    documented = responses.get("422", {}).get("content", {}).get(_JSON, {})
    if "allOf" in documented.get("schema", {}):  # errors that the route declares itself
        documented["schema"] = {"anyOf": [documented["schema"], reference]}
        responses["422"]["description"] += " Or the request is not valid."
    else:
        responses["422"] = {
            "description": "The request is not valid.",
            "content": {_JSON: {"schema": reference}},
        }


def _describe_unavailability(responses: Schema) -> None:
    """Let any `error` stand in a 503: whatever an operation needs may be gone or take too long."""
    ((_, general),) = error_responses(ServiceUnavailable).items()
    responses.setdefault("503", general)
    schema = responses["503"]["content"][_JSON].get("schema", {})
    if "allOf" in schema:
        schema["allOf"][1]["properties"]["error"] = {"type": "string"}


def _describe_parameter(schema: Schema) -> None:
    """Take away null, which cannot be sent outside of a body: what is not there is left out."""
    if "anyOf" in schema:
        choices = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
        schema |= choices[0] if len(choices) == 1 else {"anyOf": choices}
