"""What the figures mean for someone who has to choose, in a few sentences made from the numbers and only from them; and
what makes them doubtful, with the advice that fits. Pure.

Which two arms a sentence is about is fixed before anything is measured: they differ in one factor, and the first level
is what the others are held against. A pair chosen for its figures would differ by chance alone. None has no interval.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from comparison.bench import estimates
from comparison.bench.estimates import Estimate
from comparison.bench.plan import LEAST_ROUNDS, METRICS, TCP, TLS, WORKLOADS, Arm, Cell, Results
from comparison.layout import rounded

MOST, MOST_PLACES = 5, 4  # sentences; and ratios in one of them
ALIKE = 0.1  # who differs by less, wherever in the interval, costs about as much: a choice has other reasons
FIRST = (("echo", TCP), ("lines", TCP), ("echo", TLS), ("fresh", TLS))  # what matters most for a choice
PARTS = (0.1, 0.05, 0.02)  # below which a choice may be called one of taste

IDLE = 0.7  # of the cores but one: where more are busy before anything is measured, somebody else is at work
MANY = 5  # from so many connections on a wait for one does not stop the others
TOGETHER = 0.6  # of the time: in a closed loop with many requests one side or the other always has work
FAULTS = 0.5  # page faults a message, above which memory is got from the kernel and given back for each of them
CHANCE = 0.03  # how often all forward rounds lie on one side of all backward ones, where there are four of each


class Pair(NamedTuple):
    """Two arms that differ in one factor."""

    factor: str
    first: Arm
    other: Arm
    shared: str  # the levels that they share, of those that vary, in words
    costs: tuple[tuple[float, float], ...]  # what the other and the first have cost in each round

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
    """What matters most for a choice first, after what puts all of it in doubt: that somebody else was at work."""
    found: list[str] = []
    rest = ((workload, transport) for transport in (TCP, TLS) for workload in WORKLOADS)
    for place in dict.fromkeys((*FIRST, *rest)):
        if (cell := results.main(*place)) is not None:
            found += [*_choices(results, cell), *(_handler(results, cell) if place == FIRST[0] else ())]
    return [*_loaded(results), *_stolen(results), *found[:MOST]]


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
        if pair.ratio.is_sure:
            turned = tuple((first, other) for other, first in pair.costs)
            yield pair if pair.ratio.ratio > 1 else pair._replace(first=pair.other, other=pair.first, costs=turned)


def _choices(results: Results, cell: Cell) -> Iterator[str]:
    clauses: dict[str, list[Pair]] = {}
    for pair in pairs(results, cell):
        if pair.ratio.has_interval and (cell.workload != "lines" or pair.factor == "idiom"):
            clauses.setdefault(pair.levels("against"), []).append(pair)
    workload = WORKLOADS[cell.workload]
    what = f"{METRICS[workload.compared].noun} per {workload.per}"
    if clauses:
        parts = (f"{choice} {_ratios(found)}" for choice, found in clauses.items())
        yield f"{what[0].upper()}{what[1:]} ({cell}): {'; '.join(parts)}"


def _ratios(found: Sequence[Pair]) -> str:
    """Each with its interval and where it holds; of more than one can read, from where to where they go."""
    if len(found) > MOST_PLACES:
        ratios, lows, highs, _ = zip(*(pair.ratio for pair in found), strict=True)
        around = f"all intervals: {rounded(min(lows))} to {rounded(max(highs))}"
        return f"{rounded(min(ratios))} to {rounded(max(ratios))} x in {len(found)} places ({around})"
    return " and ".join(f"{_said(pair.ratio)} ({pair.ratio.interval}){pair.shared}" for pair in found)


def _said(found: Estimate) -> str:
    """That there is no difference is only said where the whole interval is near 1."""
    return str(found) if found.is_sure else "about as much" if found.at_most < ALIKE else "undecided"


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


# --- Doubts ---
def doubts(results: Results) -> list[str]:
    """A sentence for each doubt that stands beside the answer."""
    makers = (_troubles, _few_rounds, _drift, _faults, _chance)
    return [sentence for maker in makers for sentence in maker(results)]


def _loaded(results: Results) -> Iterator[str]:
    busy, cores = results.environment.get("cores busy before"), results.environment.get("cores")
    if isinstance(busy, int | float) and isinstance(cores, int) and busy > IDLE * max(1, cores - 1):
        said = f"the machine was not idle at the start ({busy:g} of {cores} cores busy)"
        yield f"{said}: end what else runs, and measure again; only the ratios are paired against that"


def _troubles(results: Results) -> Iterator[str]:
    cells = {cell.key: cell for cell in results.cells}
    found = Counter((cells[one.cell], one.arm, trouble) for one in results.samples for trouble in one.troubles)
    for (cell, arm, trouble), count in found.items():
        times = f" ({count} rounds)" if count > 1 else ""
        yield f"{cell}: {arm}: {trouble}{times}; its figures there are of what was left"


def _few_rounds(results: Results) -> Iterator[str]:
    rounds = max((sample.round for sample in results.samples), default=0)
    if 0 < rounds < estimates.FEWEST_ROUNDS:
        too_few = f"{rounds} round{'s' * (rounds != 1)}: too few for an interval, so no ratio here is sure"
        yield f"{too_few}; take {LEAST_ROUNDS} or more with --rounds"


def _stolen(results: Results) -> Iterator[str]:
    places = [place for place in _places(results, "echo", "fresh", "lines") if place[0].connections >= MANY]
    found = [sample.values for place in places for sample in results.of(*place) if "generator_busy" in sample.values]
    idle = sum(values["server_busy"] + values["generator_busy"] < TOGETHER for values in found)
    if idle:
        seen = f"in {idle} of {len(found)} samples server and load together were busy for less than"
        advice = "somebody else was on their cores; end what else runs, measure again"
        yield f"{seen} {TOGETHER * 100:.0f} % of the time: {advice}"


def _drift(results: Results) -> Iterator[str]:
    """Whether the noise changes between the two arms of a pair: rounds that run backwards then come out otherwise."""
    tried, apart = 0, []
    for cell, arm in _places(results):
        pairs = estimates.paired(results, cell, arm)
        even, odd = ([one / other for place, (one, other) in pairs.items() if place % 2 == way] for way in (0, 1))
        if arm != cell.reference and min(len(even), len(odd)) >= 4:
            tried += 1
            if max(even) < min(odd) or max(odd) < min(even):
                apart.append(f"{arm} in {cell}")
    expected = tried * CHANCE
    if len(apart) > expected + 2 * math.sqrt(expected) + 1:
        where = f"in {len(apart)} of {tried} pairs (by chance {expected:.0f})"
        seen = f"{where} all forward rounds lie on one side of all backward ones ({'; '.join(apart[:3])})"
        means = "the noise drifts within a pair, and intervals are too narrow"
        yield f"{seen}: {means}; measure again on a machine that does nothing else"


def _faults(results: Results) -> Iterator[str]:
    """Where memory is mapped and unmapped for each message; of a server whom nobody has left yet that is the result."""
    places = _places(results, "echo", "lines", "half")
    counts = ((cell, arm, estimates.median(results.of(cell, arm), "faults") or 0.0) for cell, arm in places)
    found = [f"{arm} in {cell} ({faults:.1f})" for cell, arm, faults in counts if faults > FAULTS]
    if found:
        why = "the allocator maps and unmaps memory for each there, which can be most of the cost"
        remedy = "bytearray(1 << 20) at the start of the program ends it, as docs/choosing.md says"
        yield f"more than {FAULTS:g} page faults a message: {'; '.join(found)}; {why}: {remedy}"


def _chance(results: Results) -> Iterator[str]:
    compared = (estimates.compare(results, cell, arm) for cell, arm in _places(results) if arm != cell.reference)
    found = sum(estimate is not None and estimate.has_interval for estimate in compared)
    missed = found * (1 - estimates.CONFIDENCE)
    if missed >= 1:
        yield f"of {found} intervals of 95 % about {missed:.0f} miss the truth by chance: measure again what surprises"


def _places(results: Results, *workloads: str) -> Iterator[tuple[Cell, str]]:
    cells = (cell for cell in results.cells if not workloads or cell.workload in workloads)
    return ((cell, arm) for cell in cells for arm in cell.arms)
