"""What the bench says of its figures. The figures themselves are no test: machines differ."""

import re
from typing import Any

import pytest

from tests.bench.report import as_page, as_text


def row(**changes: Any) -> dict[str, Any]:
    target = {"at_least": 0.42, "at_most": None, "of_limit": True}
    known = {"title": "list of 10", "unit": "requests/s", "against": "", "median": 500.0}
    judged = {"limit_median": 1000.0, "ratio": 0.5, "target": target, "met": True}
    return {**known, **judged, "floor_ratio": None, **changes}


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line)


@pytest.mark.parametrize(("met", "word"), [(True, "met"), (False, "missed")])
def test_a_row_says_what_was_aimed_at_and_whether_it_was_met(met: bool, word: str) -> None:
    line = as_text([row(met=met)]).splitlines()[1]
    assert cells(line)[-1] == f"≥ 0.42 of the limit: {word}"


def test_a_row_without_limit_and_target_leaves_their_cells_empty() -> None:
    page = as_page([row(limit_median=None, ratio=None, target=None)], {"date": "today"}, "# Title")
    assert page.splitlines()[0] == "# Title"
    assert "| date | today |" in page
    assert page.splitlines()[-1] == "| list of 10 | requests/s | 500 |  |  |  |  |"


def test_a_row_shows_what_the_floor_reaches_of_the_limit() -> None:
    line = as_text([row(floor_ratio=0.45)]).splitlines()[1]
    assert cells(line)[-2:] == ["0.45", "≥ 0.42 of the limit: met"]
