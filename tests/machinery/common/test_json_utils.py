"""What can be written as JSON, and what is said of the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr

from app.common.json_utils import UnserializableError, dumps, loads


class Color(Enum):
    """An enum of texts."""

    RED = "red"


class Line(BaseModel):
    """A model with values that need care."""

    price: Decimal
    tag: object = None


@dataclass
class Point:
    """A dataclass."""

    x: object


IN_PARIS = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 1, 0, 0, 7, tzinfo=IN_PARIS), "2026-01-01T23:00:00.000007Z"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1), "PT1M"),
        (Decimal("1.10"), "1.10"),
        (b"\xff\x00", "/wA="),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Color.RED, "red"),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"a"}), ["a"]),
        ((1, "ä"), [1, "ä"]),
        (Path("a"), "a"),
        (Line(price=Decimal("0.1")), {"price": "0.1", "tag": None}),
        (Point(x=Line(price=Decimal(2))), {"x": {"price": "2", "tag": None}}),
        ({1: "a", Color.RED: "b"}, {"1": "a", "red": "b"}),
        (float("nan"), None),
    ],
)
def test_what_services_meet_has_a_form_in_json(value: object, expected: object) -> None:
    assert json.loads(dumps(value)) == expected


class Unknown:
    """A type without a form in JSON."""


CYCLE: dict[str, object] = {}
CYCLE["a"] = [CYCLE]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Unknown(), "$ "),
        ({"items": [1, 2, 3, {"price": Unknown()}]}, "$.items[3].price "),
        ([Line(price=Decimal(1), tag=Unknown())], "$[0].tag "),
        (Point(x=[Unknown]), "$.x[0] "),
        ({"n": 2**70}, "$.n "),
        ({"text": "\ud800"}, "$.text "),
        ({"a": {(1, 2): 3}}, "$.a "),
        (CYCLE, "$.a[0] "),
    ],
)
def test_what_cannot_be_written_is_named_by_its_path(value: object, path: str) -> None:
    with pytest.raises(UnserializableError) as raised:
        dumps(value)

    assert str(raised.value).startswith(f"{path}cannot be written as JSON: ")


def test_a_hidden_secret_stays_hidden() -> None:
    assert b"hunter2" not in dumps({"password": SecretStr("hunter2")})


def test_what_was_written_can_be_read() -> None:
    value: Mapping[str, object] = {"a": [1, 2.5, None, True, "ü"]}

    assert loads(dumps(value)) == value
    with pytest.raises(json.JSONDecodeError):
        loads("{")
