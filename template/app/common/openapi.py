"""Complete the OpenAPI document: envelopes, errors, and names for client generators."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.common.error_handlers import error_responses
from app.common.response_envelope import (
    ENVELOPE_MARK,
    REFERENCE,
    SuccessEnvelope,
    ValidationFailure,
    without_envelope,
)
from app.core.errors import (
    BadRequest,
    DomainError,
    PayloadTooLarge,
    RequestTooSlow,
    ServiceUnavailable,
)

_JSON: Final = "application/json"
_BODY_ERRORS: Final = (BadRequest, RequestTooSlow, PayloadTooLarge)

Schema = dict[str, Any]


class _Operation(NamedTuple):
    """An operation of the document; changing `schema` changes the document.

    Attributes:
        name: the name of the route, by default the name of its function.
        method: the method in lower case, such as `get`.
        has_own_id: whether the route sets `operation_id` itself.
        is_wrapped: whether the middleware puts its responses into the envelope.
        errors: what its handler and its dependencies declare with `raises`.
        schema: the operation object.
    """

    name: str
    method: str
    has_own_id: bool
    is_wrapped: bool
    errors: tuple[type[DomainError], ...]
    schema: Schema


def document_envelopes(app: FastAPI) -> None:
    """Make `app.openapi()` describe the envelope around the declared responses."""
    original, documented = app.openapi, None

    def openapi() -> Schema:
        nonlocal documented
        schema = original()  # FastAPI builds it again when routes were added
        if schema is not documented:
            _complete(app, schema)
            documented = schema
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(app: FastAPI, document: Schema) -> None:
    document.setdefault("servers", [{"url": "/"}])
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schema = ValidationFailure.model_json_schema(
        ref_template=REFERENCE + "{model}",
        mode="serialization",
    )
    schemas |= schema.pop("$defs", {})
    schemas[ValidationFailure.__name__] = schema
    operations = list(_operations(app, document))
    renamed = {name: _readable(name) for name in schemas} | _set_operation_ids(operations)
    _rename_components(document, schemas, renamed)
    _describe_files(schemas)
    envelopes = {name for name, schema in schemas.items() if schema.pop(ENVELOPE_MARK, False)}
    for operation in operations:
        operation.schema.setdefault("security", [])  # public
        _describe_responses(operation, schemas, envelopes)
        for parameter in operation.schema.get("parameters", ()):
            _describe_parameter(parameter["schema"])


def _operations(app: FastAPI, document: Schema) -> Iterator[_Operation]:
    contexts = {
        (context.path_format, method.lower()): context
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
    for path, path_item in document.get("paths", {}).items():
        for method, schema in path_item.items():
            context = contexts[path, method]
            yield _Operation(
                name=context.name or method,
                method=method,
                has_own_id=context.operation_id is not None,
                is_wrapped=not _depends_on_bare_body(context.dependant),
                errors=tuple(dict.fromkeys(_declared_errors(context.dependant))),
                schema=schema,
            )


def _depends_on_bare_body(dependant: Dependant) -> bool:
    return any(
        part.call is without_envelope or _depends_on_bare_body(part)
        for part in dependant.dependencies
    )


def _declared_errors(dependant: Dependant) -> Iterator[type[DomainError]]:
    yield from getattr(dependant.call, "raises", ())
    for part in dependant.dependencies:
        yield from _declared_errors(part)


def _set_operation_ids(operations: list[_Operation]) -> dict[str, str]:
    """Name operations after their functions; return the new names of their form schemas.

    A second operation of the same name adds its method, or keeps FastAPI's id with the path.
    """
    used = {each.schema["operationId"] for each in operations if each.has_own_id}
    renamed = {}
    for operation in operations:
        if not operation.has_own_id:
            old = operation.schema["operationId"]
            name = re.sub(r"\W", "_", operation.name)
            ids = (name, f"{name}_{operation.method}", old, f"{old}_{operation.method}")
            new = next(each for each in ids if each not in used)
            used.add(new)
            operation.schema["operationId"] = new
            renamed[f"Body_{old}"] = f"Body_{new}"
    return renamed


def _readable(name: str) -> str:
    """Return a component's name without replaced brackets: `Page_Book_` becomes Page_Book."""
    return re.sub("_+", "_", name).strip("_")


def _rename_components(document: Schema, schemas: Schema, renamed: dict[str, str]) -> None:
    references = {}
    for old, new in renamed.items():
        if old in schemas and new not in schemas:
            schemas[new] = {**schemas.pop(old), "title": new}
            references[REFERENCE + old] = REFERENCE + new
    _replace(document, references)


def _replace(node: Any, texts: dict[str, str]) -> None:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, dict | list):
            _replace(value, texts)
        elif isinstance(value, str) and value in texts:
            node[key] = texts[value]


def _describe_files(node: Any) -> None:
    """Add `format: binary` to files: many generators recognize files only by it."""
    if isinstance(node, dict):
        if isinstance(node.get("contentMediaType"), str) and "contentEncoding" not in node:
            node.setdefault("format", "binary")
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            _describe_files(each)


def _describe_responses(operation: _Operation, schemas: Schema, envelopes: set[str]) -> None:
    responses = operation.schema["responses"]
    for status, response in error_responses(*operation.errors).items():
        _add_errors(responses, str(status), response)
    if "requestBody" in operation.schema:
        for refused, response in error_responses(*_BODY_ERRORS).items():
            responses.setdefault(str(refused), response)
    if "parameters" in operation.schema or "requestBody" in operation.schema:
        _describe_validation(responses)
    _describe_unavailability(responses)
    for status, response in responses.items():
        content = response.get("content", {}).get(_JSON)
        if content is None:
            continue
        schema = content.get("schema", {})
        if operation.is_wrapped and status.isdigit() and 200 <= int(status) < 300:
            content["schema"] = _enveloped(schema, int(status), operation, schemas, envelopes)
        elif "oneOf" in schema:
            content["schema"] = _named_errors(schema["oneOf"], schemas)
        for example in content.get("examples", {}).values():
            if example["value"].keys() == {"code", "message", "error"}:  # null was dropped
                example["value"]["data"] = None


def _add_errors(responses: Schema, status: str, response: Schema) -> None:
    """Add declared errors to those that the route documents itself with `error_responses`."""
    documented = responses.get(status, {})
    schema = _json_schema(documented)
    if "oneOf" in schema:
        known = {choice["title"] for choice in schema["oneOf"]}
        declared = _json_schema(response)["oneOf"]
        schema["oneOf"] += [choice for choice in declared if choice["title"] not in known]
        documented["content"][_JSON]["examples"] |= response["content"][_JSON]["examples"]
        documented["description"] = " ".join(each["description"] for each in schema["oneOf"])
    elif not documented or status == "422":  # in place of the 422 that FastAPI documents
        responses[status] = response


def _json_schema(response: Schema) -> Schema:
    schema: Schema = response.get("content", {}).get(_JSON, {}).get("schema", {})
    return schema


def _enveloped(
    data: Schema,
    status: int,
    operation: _Operation,
    schemas: Schema,
    envelopes: set[str],
) -> Schema:
    """Add a component for `data` in its envelope, and return a reference to it.

    A `ResponseEnvelope` that the route declares is not wrapped again.
    """
    choices = data.get("anyOf", [data])
    as_they_are = [each for each in choices if _name_of(each) in envelopes]
    if as_they_are:
        others = [each for each in choices if each not in as_they_are]
        if not others:
            return data
        rest = others[0] if len(others) == 1 else {"anyOf": others}
        return {"anyOf": [*as_they_are, _enveloped(rest, status, operation, schemas, envelopes)]}
    if "$ref" in data:
        name = _name_of(data)
    elif data.get("type") == "array" and "$ref" in data.get("items", {}):
        name = f"List_{_name_of(data['items'])}"
    else:
        name = operation.schema["operationId"]
    name = f"Envelope_{name}" if status == 200 else f"Envelope_{status}_{name}"
    schema = SuccessEnvelope[Any].model_json_schema(mode="serialization")
    schema["title"] = name
    schema["properties"]["code"]["const"] = status
    schema["properties"]["data"] = {key: data[key] for key in data if key != "title"}
    schemas[name] = schema
    return {"$ref": REFERENCE + name}


def _name_of(schema: Schema) -> str:
    return str(schema.get("$ref", "")).removeprefix(REFERENCE)


def _named_errors(choices: list[Schema], schemas: Schema) -> Schema:
    """Make each error a component, so that generated clients get a type for it."""
    for index, schema in enumerate(choices):
        name = schema.get("title")
        if name and schemas.setdefault(name, schema) == schema:  # else its name is taken
            choices[index] = {"$ref": REFERENCE + name}
    return choices[0] if len(choices) == 1 else {"oneOf": choices}


def _describe_validation(responses: Schema) -> None:
    """Add the validation error to the documented 422 responses."""
    reference = {"$ref": REFERENCE + ValidationFailure.__name__}
    documented = responses.get("422", {}).get("content", {}).get(_JSON, {})
    if "oneOf" in documented.get("schema", {}):  # errors that the route declares itself
        documented["schema"]["oneOf"].append(reference)
        responses["422"]["description"] += " Or the request is not valid."
    else:
        responses["422"] = {
            "description": "The request is not valid.",
            "content": {_JSON: {"schema": reference}},
        }


def _describe_unavailability(responses: Schema) -> None:
    """Allow any `error` in a 503: every resource of an operation may be unavailable."""
    ((_, general),) = error_responses(ServiceUnavailable).items()
    content = responses.setdefault("503", general)["content"][_JSON]
    if "oneOf" in content.get("schema", {}):
        schema = general["content"][_JSON]["schema"]
        schema["oneOf"][0]["properties"]["error"] = {"type": "string"}
        content["schema"] = schema


def _describe_parameter(schema: Schema) -> None:
    """Remove null, which only a body can contain, and name the values of an enumeration."""
    if "anyOf" in schema:
        choices = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
        schema |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    values = schema.get("enum", ())
    if any(str(value).startswith("-") for value in values):  # which generators cannot name
        schema["x-enum-varnames"] = [_variable(str(value)) for value in values]


def _variable(value: str) -> str:
    """Return the name of an enumeration's value: `-created_at` becomes CREATED_AT_DESC."""
    name = re.sub(r"\W", "_", value.removeprefix("-")).upper()
    return f"{name}_DESC" if value.startswith("-") else name
