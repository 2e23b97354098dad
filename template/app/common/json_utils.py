"""JSON for values beyond plain data: times, decimals, bytes, models and others."""

import base64
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

# `_default` handles datetimes, since orjson would keep their offset instead of writing UTC.
_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


class UnserializableError(TypeError):
    """A value cannot be serialized. The text names its path, such as `$.items[3].price`."""


def dumps(value: object) -> bytes:
    """Serialize `value` to JSON.

    Datetimes become ISO 8601 in UTC (a naive one counts as UTC), Decimal becomes text, bytes
    become base64, sets become sorted lists, enums become their values, models and dataclasses
    become objects. NaN and infinities become null.

    Raises:
        UnserializableError: a value inside cannot be serialized.
    """
    try:
        return orjson.dumps(value, default=_default, option=_OPTIONS)
    except TypeError as error:
        path, culprit, reason = _find_culprit(value, "$", error)
        raise UnserializableError(
            f"{path} cannot be written as JSON: {type(culprit).__qualname__}: {reason}",
        ) from None


def loads(text: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        json.JSONDecodeError: the text is not JSON.
    """
    return orjson.loads(text)


def _default(value: object) -> object:
    match value:
        case datetime():
            in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            return in_utc.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case set() | frozenset():
            return _in_order(value)
        case BaseModel():
            return value.model_dump(by_alias=True)
    try:
        return to_jsonable_python(value)  # paths, addresses, durations, URLs, hidden secrets, …
    except PydanticSerializationError:
        raise TypeError("this type has no form in JSON") from None


def _in_order(values: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def _find_culprit(
    value: object,
    path: str,
    error: TypeError,
    ancestors: tuple[object, ...] = (),
) -> tuple[str, object, str]:
    if any(value is ancestor for ancestor in ancestors):
        return path, value, "it contains itself"
    for step, child in _children(value):
        try:
            orjson.dumps(child, default=_default, option=_OPTIONS)
        except TypeError as child_error:
            return _find_culprit(child, path + step, child_error, (*ancestors, value))
    return path, value, str(error.__cause__ or error)


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield f".{key}", child
    elif isinstance(value, list | tuple | set | frozenset):
        for index, child in enumerate(value):
            yield f"[{index}]", child
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield f".{name}", getattr(value, name)
    elif is_dataclass(value):
        for field in fields(value):
            yield f".{field.name}", getattr(value, field.name)
