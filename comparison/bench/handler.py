"""What becomes of a choice where a handler does more than an echo, from the measured costs alone. Pure.

A handler that works w microseconds a message costs (dearer + w) against (cheaper + w): the more it does, the less the
choice matters. Both costs are those of one round, so the interval comes from pairs, as that of a ratio does.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from comparison.bench import estimates
from comparison.bench.plan import Arm, Cell, Results

PARTS = (0.1, 0.05, 0.02)
"""Below which a choice may be called one of taste."""

COST = "server_cpu_us"


@dataclass(frozen=True)
class Pair:
    """Two arms that differ in one factor."""

    factor: str
    first: Arm
    other: Arm
    shared: str
    """The levels that they share, of those that vary, in words."""

    def levels(self, between: str) -> str:
        """The levels in which they differ, the other's first."""
        return f"{self.other.factors[self.factor]} {between} {self.first.factors[self.factor]}"


@dataclass(frozen=True)
class Choice:
    """A pair of which the other arm is known to cost more than the first."""

    pair: Pair
    costs_us: tuple[tuple[float, float], ...]
    """Of the dearer and the cheaper, in microseconds a message, for each round."""

    def work_us(self, part: float) -> tuple[float, float, float]:
        """From how much work a message on the choice makes less than `part`, with the interval."""
        works = [(dear - cheap) / part - cheap for dear, cheap in self.costs_us]
        middle, low, high = estimates.interval(works)
        return max(0.0, middle), max(0.0, low), max(0.0, high)

    def part(self, work_us: float) -> float:
        """By which part the dearer costs more with so much work a message."""
        return estimates.interval([(dear + work_us) / (cheap + work_us) - 1 for dear, cheap in self.costs_us])[0]

    def __str__(self) -> str:
        return f"{self.pair.levels('instead of')}{self.pair.shared}"


def choices(results: Results, cell: Cell) -> Iterator[Choice]:
    """The pairs of a cell, of which the dearer one is known."""
    for pair in pairs(results, cell):
        found = estimates.compare(results, cell, pair.other.label, COST, pair.first.label)
        if found is not None and found.is_sure:
            known = pair if found.ratio > 1 else Pair(pair.factor, pair.other, pair.first, pair.shared)
            costs = estimates.paired(results, cell, known.other.label, known.first.label, COST)
            yield Choice(known, tuple(costs.values()))


def pairs(results: Results, cell: Cell) -> Iterator[Pair]:
    """For each factor that varies in a cell every other level against the first one, where the rest is the same."""
    arms = results.choices(cell)
    names = [name for name in (arms[0].factors if arms else ()) if len({arm.factors.get(name) for arm in arms}) > 1]
    for name in names:
        others = [other for other in names if other != name]
        for first, other in itertools.combinations(arms, 2):
            same = all(first.factors[rest] == other.factors[rest] for rest in others)
            if same and first.factors[name] == arms[0].factors[name] != other.factors[name]:
                shared = " ".join(first.factors[rest] for rest in others)
                yield Pair(name, first, other, f" with {shared}" if shared else "")
