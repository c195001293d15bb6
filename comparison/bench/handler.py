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
class Choice:
    """Two arms that differ in one factor, where a difference is seen: the cheaper of them, and the pairs of costs."""

    factor: str
    cheaper: Arm
    dearer: Arm
    shared: tuple[str, ...]
    costs_us: tuple[tuple[float, float], ...]
    """Of the dearer and the cheaper, in microseconds a message, for each round."""

    def work_us(self, part: float) -> tuple[float, float, float]:
        """From how much work a message on the choice makes less than `part`, with the interval."""
        works = [(dear - cheap) / part - cheap for dear, cheap in self.costs_us]
        middle, low, high = estimates.interval(works)
        return max(0.0, middle), max(0.0, low or 0.0), max(0.0, high or 0.0)

    def part(self, work_us: float) -> float:
        """By which part the dearer costs more with so much work a message."""
        return estimates.interval([(dear + work_us) / (cheap + work_us) - 1 for dear, cheap in self.costs_us])[0]

    def __str__(self) -> str:
        dearer, cheaper = (arm.factors[self.factor] for arm in (self.dearer, self.cheaper))
        return f"{dearer} instead of {cheaper}" + (f" with {' '.join(self.shared)}" if self.shared else "")


def choices(results: Results, cell: Cell) -> Iterator[Choice]:
    """The pairs of a cell, of which the dearer one is known."""
    for factor, first, other, shared in pairs(results, cell):
        found = estimates.compare(results, cell, other.label, COST, first.label)
        if found is not None and found.is_sure:
            dearer, cheaper = (other, first) if found.ratio > 1 else (first, other)
            costs = estimates.paired(results, cell, dearer.label, cheaper.label, COST)
            yield Choice(factor, cheaper, dearer, shared, tuple(costs.values()))


def pairs(results: Results, cell: Cell) -> Iterator[tuple[str, Arm, Arm, tuple[str, ...]]]:
    """For each factor that varies in a cell every other level against the first one, where the rest is the same: the
    factor, the arm of the first level, the other arm, and the levels that they share, of those that vary."""
    arms = results.choices(cell)
    names = [name for name in (arms[0].factors if arms else ()) if len({arm.factors.get(name) for arm in arms}) > 1]
    for name in names:
        others = [other for other in names if other != name]
        for first, other in itertools.combinations(arms, 2):
            same = all(first.factors[rest] == other.factors[rest] for rest in others)
            if same and first.factors[name] == arms[0].factors[name] != other.factors[name]:
                yield name, first, other, tuple(first.factors[rest] for rest in others)
