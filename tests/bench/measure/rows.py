"""A row of the table: one figure of the service, and what to compare it with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be; `of_limit` says that the ratio to the limit is meant."""

    at_least: float | None = None
    at_most: float | None = None
    of_limit: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        group: the name by which it is chosen on the command line.
        title: what was measured.
        unit: of the figures, such as `requests/s`.
        service: the service's figure of each round.
        limit: that of what it is compared with, of each round; empty if there is nothing.
        target: what was aimed at.
        floor: that of FastAPI with SQLAlchemy and nothing else, of each round, if measured.
        against: what `limit` holds, unless it is the hand-written service.
        note: what a reader must know to make sense of it.
    """

    group: str
    title: str
    unit: str
    service: Sequence[float]
    limit: Sequence[float] = field(default_factory=list)
    target: Target | None = None
    against: str = ""
    note: str = ""
    floor: Sequence[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it with medians, ratio, and whether the target was met."""
        figure = median(self.service)
        limit = median(self.limit) if self.limit else None
        ratio = figure / limit if limit else None
        values: dict[str, Any] = asdict(self)
        values |= {"median": figure, "limit_median": limit, "ratio": ratio, "met": None}
        values["floor_ratio"] = median(self.floor) / limit if self.floor and limit else None
        if self.target is not None:
            judged = ratio if self.target.of_limit else figure
            values["met"] = judged is not None and (
                (self.target.at_least is None or judged >= self.target.at_least)
                and (self.target.at_most is None or judged <= self.target.at_most)
            )
        return values
