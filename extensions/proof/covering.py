"""Covering arrays: few rows that hold together every combination of values of any few factors.

A factor is a name with its values; a row has one value of each. Which rows are valid, a function
says. It is also asked about a row of which only a part is known: it reads the row by names alone,
and a value that is not known yet ends it by `UndecidedError`. So it says early what is wrong, and
the search leaves out all that would begin alike.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from extensions.proof.covering_search import Numbers, Search

Value = str | bool
Row = dict[str, Value]
Factors = Mapping[str, Sequence[Value]]
IsValid = Callable[[Mapping[str, Value]], bool]
# Some values of different factors, such as {("database", "none"), ("docker", True)}.
Tuple = frozenset[tuple[str, Value]]


class UndecidedError(Exception):
    """Whether a row is valid depends on a value that it does not have yet."""


class InvalidRowError(Exception):
    """A row that has to be kept cannot be."""


class PartOfRow(Mapping[str, Value]):
    """A row of which some values are not known yet: who reads one of them learns that."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Value:
        if name in self._values:
            return self._values[name]
        raise UndecidedError(name)

    def __iter__(self) -> Iterator[str]:
        raise UndecidedError

    def __len__(self) -> int:
        raise UndecidedError


def anything(_: Mapping[str, Value]) -> bool:
    """Return that every row is valid."""
    return True


def every(conditions: Iterable[IsValid]) -> IsValid:
    """Return what is valid under all `conditions`: broken as soon as one of them is."""
    known = tuple(conditions)

    def is_valid(row: Mapping[str, Value]) -> bool:
        undecided = None
        for condition in known:
            try:
                if not condition(row):
                    return False
            except UndecidedError as error:
                undecided = error
        if undecided:
            raise undecided
        return True

    return is_valid


def valid_rows(
    factors: Factors,
    is_valid: IsValid = anything,
    known: Mapping[str, Value] | None = None,
) -> Iterator[Row]:
    """Yield every valid row that has the values `known`; values are tried in their order."""
    row = dict(known or {})

    def extended(names: Sequence[str]) -> Iterator[Row]:
        if not names:
            whole = {name: row[name] for name in factors}
            if is_valid(whole):
                yield whole
            return
        if not _possible(row, is_valid):
            return
        for value in factors[names[0]]:
            row[names[0]] = value
            yield from extended(names[1:])
            del row[names[0]]

    yield from extended([name for name in factors if name not in row])


def _possible(row: Mapping[str, Value], is_valid: IsValid) -> bool:
    try:
        return is_valid(PartOfRow(row))
    except UndecidedError:
        return True


def tuples_of(rows: Iterable[Mapping[str, Value]], strength: int) -> set[Tuple]:
    """Return every combination of `strength` values that stands in one of `rows`."""
    return {
        frozenset(pairs) for row in rows for pairs in itertools.combinations(row.items(), strength)
    }


def feasible_tuples(
    factors: Factors,
    strength: int,
    is_valid: IsValid = anything,
) -> set[Tuple]:
    """Return every combination of `strength` values that stands in some valid row."""
    feasible: set[Tuple] = set()
    for names in itertools.combinations(factors, strength):
        for values in itertools.product(*(factors[name] for name in names)):
            pairs = dict(zip(names, values, strict=True))
            if frozenset(pairs.items()) not in feasible:
                # One row shows many tuples to be feasible.
                row = next(valid_rows(factors, is_valid, pairs), None)
                feasible |= tuples_of([row] if row else [], strength)
    return feasible


def covering_array(
    factors: Factors,
    strength: int,
    *,
    is_valid: IsValid = anything,
    seeds: Sequence[Mapping[str, Value]] = (),
) -> list[Row]:
    """Return few valid rows with every feasible combination of `strength` values; `seeds` first.

    The same call returns the same rows.

    Raises:
        InvalidRowError: a seed is no valid row of these factors.
    """
    strength = min(strength, len(factors))
    first = [_checked(factors, seed, is_valid) for seed in seeds]
    pairs = [(name, value) for name, values in factors.items() for value in values]
    numbers = {pair: number for number, pair in enumerate(pairs)}

    def completed(fixed: Numbers, preferred: Numbers) -> Numbers | None:
        """Return a valid row that has `fixed`, and of `preferred` what it can."""
        known = dict(pairs[number] for number in fixed)
        wishes = dict(pairs[number] for number in preferred)
        ordered = {
            name: sorted(values, key=lambda value: (name, value) not in wishes.items())
            for name, values in factors.items()
        }
        row = next(valid_rows(ordered, is_valid, known), None)
        return None if row is None else tuple(numbers[pair] for pair in row.items())

    missing = feasible_tuples(factors, strength, is_valid) - tuples_of(first, strength)
    search = Search(
        [[numbers[name, value] for value in values] for name, values in factors.items()],
        strength,
        [tuple(sorted(numbers[pair] for pair in each)) for each in missing],
        completed,
    )
    return first + [dict(pairs[number] for number in row) for row in search.rows()]


def _checked(factors: Factors, seed: Mapping[str, Value], is_valid: IsValid) -> Row:
    for name in factors.keys() ^ seed.keys():
        raise InvalidRowError(f"The row {dict(seed)} and the factors differ in {name}.")
    for name, value in seed.items():
        if value not in factors[name]:
            raise InvalidRowError(f"{name} cannot be {value!r}; it is {tuple(factors[name])}.")
    if not is_valid(seed):
        raise InvalidRowError(f"The row {dict(seed)} is not valid.")
    return {name: seed[name] for name in factors}


T = TypeVar("T")


def shard(rows: Sequence[T], number: int, count: int) -> list[T]:
    """Return the share `number` of `count` of the rows; the first share is 1."""
    return list(rows[number - 1 :: count])


def share(rows: Sequence[T], name: str) -> list[T]:
    """Return the share of `rows` that has a name such as 1/4.

    Raises:
        ValueError: there is no share of that name.
    """
    number, _, count = name.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ValueError(f"A share is such as 1/4, not {name}.")
    return shard(rows, int(number), int(count))
