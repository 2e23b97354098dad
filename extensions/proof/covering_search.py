"""How a covering array becomes small: a greedy beginning, then repairs after a row was taken away.

Each value of each factor is a number here. A row is a tuple of numbers, one for each factor and in
the factors' order, and the numbers grow with that order: so the tuples in a row are its
combinations.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Numbers = tuple[int, ...]

CANDIDATES = 10  # rows, of which the best becomes the next row
REPAIRS = 300  # attempts after which no row can be taken away any more ...
WORK = 400_000  # ... and fewer where there are many tuples
TABU = 3  # repairs for which a row that was changed is left alone


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: few rows with all tuples of `missing`.

    Attributes:
        factors: the numbers of each factor's values.
        strength: how many numbers a tuple has.
        missing: the tuples.
        completed: returns a valid row that has the first numbers, and of the second what it can.
    """

    factors: Sequence[Sequence[int]]
    strength: int
    missing: Sequence[Numbers]
    completed: Callable[[Numbers, Numbers], Numbers | None]

    def rows(self) -> list[Numbers]:
        """Return the rows; the same question has the same answer."""
        choose = random.Random(0)  # noqa: S311 (nothing secret)
        rows = self._greedy(choose)
        while len(rows) > self._floor() and (fewer := self._without_one(rows, choose)):
            rows = fewer
        return rows

    def _floor(self) -> int:
        """Return how many tuples of the same factors there are: each needs a row of its own."""
        owners = {number: at for at, values in enumerate(self.factors) for number in values}
        of_the_same = Counter(tuple(owners[number] for number in each) for each in self.missing)
        return max(of_the_same.values(), default=0)

    def _tuples(self, row: Numbers) -> Iterable[Numbers]:
        return itertools.combinations(row, self.strength)

    def _greedy(self, choose: random.Random) -> list[Numbers]:
        """Return rows that were each the best of some candidates."""
        left = dict.fromkeys(sorted(self.missing))
        rows = []
        while left:
            candidates = [self._candidate(left, choose) for _ in range(CANDIDATES)]
            best = max(candidates, key=lambda row: sum(each in left for each in self._tuples(row)))
            for each in self._tuples(best):
                left.pop(each, None)
            rows.append(best)
        return rows

    def _candidate(self, left: dict[Numbers, None], choose: random.Random) -> Numbers:
        """Return a valid row that begins with a missing tuple and takes in more, value by value."""
        fixed = choose.choice(tuple(left))
        rest = [values for values in self.factors if not set(values) & set(fixed)]
        choose.shuffle(rest)
        row = fixed
        for values in rest:
            gains = {
                value: sum(
                    tuple(sorted((*others, value))) in left
                    for others in itertools.combinations(row, self.strength - 1)
                )
                for value in choose.sample(values, len(values))
            }
            row = (*row, max(gains, key=gains.__getitem__))
        complete = self.completed(fixed, row)
        if complete is None:
            raise AssertionError(f"{fixed} is missing, and no valid row has it")
        return complete

    def _without_one(self, rows: list[Numbers], choose: random.Random) -> list[Numbers] | None:
        """Return one row less with the same tuples, or nothing when that is not found in time.

        What stood in the row that goes is put into others, and what that breaks into others again.
        """
        times = Counter(dict.fromkeys(self.missing, 0))
        times.update(each for row in rows for each in self._tuples(row) if each in times)
        gone = min(rows, key=lambda row: sum(times[each] == 1 for each in self._tuples(row)))
        rows = [row for row in rows if row is not gone]
        times.subtract(each for each in self._tuples(gone) if each in times)
        missing = {each for each in self._tuples(gone) if times.get(each) == 0}
        rested = [0] * len(rows)
        for step in range(min(REPAIRS, WORK // len(times))):
            if not missing:
                return rows
            wanted = choose.choice(sorted(missing))
            changes = []
            for number, row in enumerate(rows):
                if rested[number] <= step and (new := self.completed(wanted, row)):
                    goes = set(self._tuples(row)).difference(self._tuples(new))
                    comes = set(self._tuples(new)).difference(self._tuples(row))
                    loss = sum(times.get(each) == 1 for each in goes)
                    gain = len(comes & missing)
                    changes.append((loss - gain, choose.random(), number, new, goes, comes))
            if not changes:
                continue
            _, _, number, new, goes, comes = min(changes)
            rows[number] = new
            rested[number] = step + TABU
            times.subtract(each for each in goes if each in times)
            times.update(each for each in comes if each in times)
            missing |= {each for each in goes if times.get(each) == 0}
            missing -= comes
        return None
