"""What the figures mean for someone who has to choose: at most five sentences, made from the numbers and only from
them. Pure.

Which two arms a sentence is about is fixed before anything is measured: they differ in one factor, and the first level
is what the others are held against. A pair that was chosen for its figures would differ by chance alone. No sentence is
made without an interval.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from comparison.bench import estimates
from comparison.bench.estimates import Estimate
from comparison.bench.plan import METRICS, MIDDLE, TCP, TLS, WORKLOADS, Arm, Cell, Results

MOST = 5
ALIKE = 0.1  # who differs by less, wherever in the interval, costs about as much: a choice has other reasons
FIRST = (("echo", TCP), ("lines", TCP), ("echo", TLS))  # what matters most for a choice
PARTS = (0.1, 0.05, 0.02)  # below which a choice may be called one of taste


class Pair(NamedTuple):
    """Two arms that differ in one factor."""

    factor: str
    first: Arm
    other: Arm
    shared: str
    """The levels that they share, of those that vary, in words."""
    costs: tuple[tuple[float, float], ...]
    """What the other and the first have cost in each round."""

    @property
    def ratio(self) -> Estimate:
        return estimates.estimate([other / first for other, first in self.costs])

    def levels(self, between: str) -> str:
        """The levels in which they differ, the other's first."""
        return f"{self.other.factors[self.factor]} {between} {self.first.factors[self.factor]}"

    # A handler that works w microseconds a message costs (dearer + w) against (cheaper + w): the more it does, the less
    # the choice matters. Both costs are those of one round, so the interval comes from pairs, as that of a ratio does.
    def work_us(self, part: float) -> tuple[float, float, float]:
        """From how much work a message on the choice makes less than `part`, with the interval."""
        works = estimates.interval((dear - cheap) / part - cheap for dear, cheap in self.costs)
        return max(0.0, works[0]), max(0.0, works[1]), max(0.0, works[2])

    def part(self, work_us: float) -> float:
        """By which part the dearer costs more with so much work a message."""
        return estimates.interval((dear + work_us) / (cheap + work_us) - 1 for dear, cheap in self.costs)[0]

    def __str__(self) -> str:
        return f"{self.levels('instead of')}{self.shared}"


def sentences(results: Results) -> list[str]:
    """What matters most for a choice first; empty without samples."""
    return list(itertools.islice(_all(results), MOST))


def main(results: Results, workload: str = "echo", transport: str = TCP) -> Cell | None:
    """The cell that speaks for its workload: the middle one, or else the first."""
    cells = [cell for cell in results.cells if (cell.workload, cell.transport) == (workload, transport)]
    return min(cells, key=lambda cell: (cell.size_bytes, cell.connections) != MIDDLE, default=None)


def pairs(results: Results, cell: Cell) -> Iterator[Pair]:
    """For each factor that varies in a cell every other level against the first one, where the rest is the same."""
    arms = results.choices(cell)
    varying = [name for name in (arms[0].factors if arms else ()) if len({arm.factors[name] for arm in arms}) > 1]
    for name, (first, other) in itertools.product(varying, itertools.combinations(arms, 2)):
        differing = [factor for factor in varying if first.factors[factor] != other.factors[factor]]
        if differing == [name] and first.factors[name] == arms[0].factors[name]:
            shared = " ".join(first.factors[factor] for factor in varying if factor != name)
            if costs := tuple(estimates.paired(results, cell, other.label, first.label).values()):
                yield Pair(name, first, other, f" with {shared}" if shared else "", costs)


def choices(results: Results, cell: Cell) -> Iterator[Pair]:
    """The pairs of a cell of which one arm is known to cost more, each with that as the other one."""
    for pair in pairs(results, cell):
        if pair.ratio.is_sure and pair.ratio.ratio > 1:
            yield pair
        elif pair.ratio.is_sure:
            costs = tuple((first, other) for other, first in pair.costs)
            yield pair._replace(first=pair.other, other=pair.first, costs=costs)


def _all(results: Results) -> Iterator[str]:
    rest = ((workload, transport) for transport in (TCP, TLS) for workload in WORKLOADS)
    for workload, transport in dict.fromkeys((*FIRST, *rest)):
        cell = main(results, workload, transport)
        if cell is not None:
            yield from _choices(results, cell)
            if (workload, transport) == FIRST[0]:
                yield from _handler(results, cell)


def _choices(results: Results, cell: Cell) -> Iterator[str]:
    """What each choice costs while the others stay, in one sentence for a cell."""
    clauses: dict[str, list[str]] = {}
    for pair in pairs(results, cell):
        found = pair.ratio
        if found.has_interval and (cell.workload != "lines" or pair.factor == "idiom"):
            # That there is no difference is only said where the whole interval is near 1.
            said = str(found) if found.is_sure else "about as much" if found.at_most < ALIKE else "undecided"
            clauses.setdefault(pair.levels("against"), []).append(f"{said} ({found.interval}){pair.shared}")
    workload = WORKLOADS[cell.workload]
    noun = METRICS[workload.compared].noun
    what = f"{noun} per {workload.per}" if "CPU" in noun else noun
    if clauses:
        parts = (f"{choice} {' and '.join(said)}" for choice, said in clauses.items())
        yield f"{what[0].upper()}{what[1:]} ({cell}): {'; '.join(parts)}"


def _handler(results: Results, cell: Cell) -> Iterator[str]:
    """From how much work a message on the first pair of each factor is a matter of taste."""
    firsts: dict[str, str] = {}
    for choice in choices(results, cell):
        works = ((part, *choice.work_us(part)) for part in PARTS)
        limits = (f"{100 * part:g} % from {us:,.0f} us on ({low:,.0f} to {high:,.0f})" for part, us, low, high in works)
        firsts.setdefault(choice.factor, f"{choice}: less than {', '.join(limits)}")
    if firsts:
        said = "; ".join(firsts.values())
        yield f"The more a handler works for each message, the less a choice makes ({cell.where}). {said}"
