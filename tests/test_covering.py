"""Covering arrays hold every feasible combination, no other, and few rows; seen by brute force."""

import itertools
import random
from collections.abc import Callable, Mapping

import pytest

from extensions.proof.covering import (
    InvalidRowError,
    Row,
    Value,
    anything,
    covering_array,
    every,
    feasible_tuples,
    shard,
    share,
    tuples_of,
    valid_rows,
)

Condition = Callable[[Mapping[str, Value]], bool]
MODELS = 40


def test_eight_switches_need_six_rows_for_pairs_and_twelve_for_triples() -> None:
    """No array has fewer rows (Kleitman and Spencer for pairs; tables for triples)."""
    factors = {f"switch{number}": (True, False) for number in range(8)}
    assert len(covering_array(factors, 2)) == 6
    assert len(covering_array(factors, 3)) == 12


def random_model(number: int) -> tuple[dict[str, tuple[Value, ...]], list[Condition]]:
    """Return factors of 1 to 4 values, and conditions of which each reads one to three of them."""
    choose = random.Random(number)  # noqa: S311 (nothing secret)
    factors: dict[str, tuple[Value, ...]] = {
        f"factor{index}": tuple(f"value{value}" for value in range(choose.randint(1, 4)))
        for index in range(choose.randint(2, 6))
    }
    conditions = []
    for _ in range(choose.randint(0, 6)):
        names = choose.sample(list(factors), choose.randint(1, min(3, len(factors))))
        forbidden = {name: choose.choice(factors[name]) for name in names}
        conditions.append(unless(forbidden))
    return factors, conditions


def unless(forbidden: Mapping[str, Value]) -> Condition:
    def condition(row: Mapping[str, Value]) -> bool:
        return any(row[name] != value for name, value in forbidden.items())

    return condition


def brute_force(factors: Mapping[str, tuple[Value, ...]], conditions: list[Condition]) -> list[Row]:
    products = itertools.product(*factors.values())
    rows: list[Row] = [dict(zip(factors, values, strict=True)) for values in products]
    return [row for row in rows if all(condition(row) for condition in conditions)]


@pytest.mark.parametrize("strength", [1, 2, 3])
@pytest.mark.parametrize("model", range(MODELS))
def test_an_array_has_every_feasible_tuple_and_no_other(model: int, strength: int) -> None:
    factors, conditions = random_model(model)
    rows = brute_force(factors, conditions)
    is_valid = every(conditions)
    assert list(valid_rows(factors, is_valid)) == rows
    strength = min(strength, len(factors))
    feasible = tuples_of(rows, strength)
    assert feasible_tuples(factors, strength, is_valid) == feasible
    array = covering_array(factors, strength, is_valid=is_valid)
    assert tuples_of(array, strength) == feasible
    assert all(row in rows for row in array)
    assert len(array) <= len(rows)


def test_the_random_models_have_conditions_that_matter() -> None:
    shapes = [random_model(number) for number in range(MODELS)]
    products = [len(brute_force(factors, [])) for factors, _ in shapes]
    valid = [len(brute_force(*shape)) for shape in shapes]
    assert sum(0 < some < whole for some, whole in zip(valid, products, strict=True)) > MODELS / 2
    assert 0 in valid, "and some leave nothing"


def test_a_pair_that_needs_one_certain_third_value_is_not_lost() -> None:
    """Tools that fill a row and drop it when it is not valid lose such pairs."""
    factors: dict[str, tuple[Value, ...]] = {
        "database": ("postgresql", "mysql", "sqlite", "none"),
        "orm": ("sqlalchemy", "sqlmodel", "(not asked)"),
        "tasks": ("nats", "redis", "none"),
        "task_module": (True, False, "(not asked)"),
    }
    is_valid = every(
        [
            lambda row: (row["orm"] == "(not asked)") == (row["database"] == "none"),
            lambda row: (
                (row["task_module"] == "(not asked)")
                == (row["database"] == "none" or row["tasks"] == "none")
            ),
            lambda row: row["database"] != "mysql" or row["tasks"] == "redis",
        ]
    )
    for strength in (2, 3):
        array = covering_array(factors, strength, is_valid=is_valid)
        assert tuples_of(array, strength) == tuples_of(valid_rows(factors, is_valid), strength)
        assert all(map(is_valid, array))
    assert all(
        row["tasks"] == "redis" for row in valid_rows(factors, is_valid, {"database": "mysql"})
    )


def test_a_condition_that_reads_the_row_as_a_whole_is_understood() -> None:
    """Such a condition is decided for whole rows alone."""
    factors = dict.fromkeys("abcde", (True, False))

    def at_most_two(row: Mapping[str, Value]) -> bool:
        return sum(value is True for value in row.values()) <= 2

    array = covering_array(factors, 2, is_valid=at_most_two)
    assert tuples_of(array, 2) == tuples_of(valid_rows(factors, at_most_two), 2)
    assert all(map(at_most_two, array))
    assert len(tuples_of(covering_array(factors, 3, is_valid=at_most_two), 3)) == 70


def test_many_factors_with_conditions_need_few_rows() -> None:
    """The two longest factors have 5 and 4 values: no array of pairs has under 20 rows."""
    sizes = [4, 2, 5, 2, 3, 2, 2, 2, 2, 2, 2, 2, 3, 2, 2, 4, 2, 2, 3, 2, 2, 2, 2, 2]
    factors = {f"factor{at}": tuple(f"{n}" for n in range(size)) for at, size in enumerate(sizes)}
    is_valid = every(
        [
            lambda row: row["factor0"] != "0" or row["factor1"] == "0",
            lambda row: row["factor11"] != "1" or "0" not in (row["factor0"], row["factor2"]),
            lambda row: row["factor12"] != "2" or row["factor3"] == "1",
        ]
    )
    array = covering_array(factors, 2, is_valid=is_valid)
    assert len(array) <= 24
    assert tuples_of(array, 2) == feasible_tuples(factors, 2, is_valid)


def test_the_same_question_has_the_same_answer() -> None:
    factors, conditions = random_model(7)
    first, second = (covering_array(factors, 2, is_valid=every(conditions)) for _ in range(2))
    assert first == second


def test_seeds_come_first_and_count() -> None:
    factors = dict.fromkeys("abcdef", (True, False))
    seeds: list[Row] = [dict.fromkeys(factors, True), dict.fromkeys(factors, False)]
    array = covering_array(factors, 2, seeds=seeds)
    assert array[:2] == seeds
    assert tuples_of(array, 2) == feasible_tuples(factors, 2)
    everything = list(valid_rows(factors))
    assert covering_array(factors, 2, seeds=everything) == everything


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        ({"a": True}, "differ in b"),
        ({"a": True, "b": "maybe"}, "b cannot be 'maybe'"),
        ({"a": True, "b": True}, "is not valid"),
    ],
)
def test_a_seed_that_is_no_valid_row_is_refused(seed: Row, reason: str) -> None:
    factors = {"a": (True, False), "b": (True, False)}
    with pytest.raises(InvalidRowError, match=reason):
        covering_array(factors, 2, is_valid=lambda row: not (row["a"] and row["b"]), seeds=[seed])


def test_nothing_to_choose_and_nothing_valid_are_understood() -> None:
    assert covering_array({}, 2) == []
    assert covering_array({"a": ("x",)}, 2) == [{"a": "x"}]
    assert covering_array({"a": ("x", "y")}, 2, is_valid=lambda row: row["a"] == "z") == []
    assert anything({})


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_the_shares_are_the_whole_and_have_nothing_twice(count: int) -> None:
    rows = list(range(20))
    shares = [shard(rows, number, count) for number in range(1, count + 1)]
    assert sorted(itertools.chain.from_iterable(shares)) == rows
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert share(rows, f"1/{count}") == shares[0]


@pytest.mark.parametrize("name", ["0/4", "5/4", "4", "a/b", "-1/4", "1/0", ""])
def test_a_share_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="A share is such as 1/4"):
        share([1, 2, 3], name)
