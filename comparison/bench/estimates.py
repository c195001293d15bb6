"""Ratios and how sure they are. Pure: numbers in, numbers out.

An arm is held against the reference of its cell, round by round: what drifts over the minutes of a run hits both alike
and falls out of the ratio. The estimate is the median of the logarithms of these ratios. Its interval lies between two
pairs of ordered values, whose probabilities to hold the median are those of coins, as far in as Hettmansperger and
Sheather found ("Confidence intervals based on interpolated order statistics", Statistics & Probability Letters 4,
1986): it asks for no distribution, and covers what it claims for 6 to 20 rounds (see the tests).
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from comparison.bench.plan import COST, COST_PARTS, PERCENTILES, WORKLOADS, Cell, Results, Sample
from comparison.layout import rounded
from comparison.model import CannotCompare

CONFIDENCE = 0.95
AIMED = 0.96  # the way inwards is an approximation, which falls short of what it aims at by up to one in a hundred
# Of fewer values the median lies between the least and the greatest with less than CONFIDENCE: with 1 - 2^(1-n).
FEWEST_ROUNDS = 6
FEWEST_TICKS_S = 1.0  # user and system time come in ticks of 10 ms: of fewer than a hundred their shares are chance


class Estimate(NamedTuple):
    """The ratio of an arm to the reference in one figure; from fewer than FEWEST_ROUNDS it may be any."""

    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def has_interval(self) -> bool:
        return self.high < math.inf

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 1, by as much as is shown of it: a difference is seen."""
        return not round(self.low, 2) <= 1 <= round(self.high, 2)

    @property
    def verdict(self) -> str:
        return "inconclusive" if not self.is_sure else "worse" if self.ratio > 1 else "better"

    @property
    def at_most(self) -> float:
        """How far the two may lie apart, by the farther end of the interval, as a part: 0.03 is 3 %."""
        return max(1 / self.low, self.high) - 1 if self.has_interval else math.inf

    @property
    def interval(self) -> str:
        if not self.has_interval:
            return f"{self.rounds} round{'s' * (self.rounds != 1)}: no interval"
        return f"{rounded(self.low)} to {rounded(self.high)}"

    def __str__(self) -> str:
        return f"{rounded(self.ratio)} x"


def median(samples: Sequence[Sample], metric: str) -> float | None:
    """The median of a figure over the rounds; a percentile is that of all their latencies together, or a round that
    stood still would not count."""
    if metric in PERCENTILES:
        return percentile_us([sample.latencies for sample in samples], PERCENTILES[metric])
    values = [sample.values[metric] for sample in samples if metric in sample.values]
    return statistics.median(values) if values else None


def percentile_us(histograms: Iterable[Mapping[int, int]], share: float) -> float | None:
    """The smallest latency in microseconds that `share` (0 to 1) of all do not exceed; None where there is none."""
    total = sum(map(Counter, histograms), Counter[int]())
    left = total.total() * share - 1e-9
    for value_ns, count in sorted(total.items()):
        left -= count
        if left <= 0:
            return value_ns / 1000
    return None


def shares(samples: Sequence[Sample], sample_s: float) -> list[float]:
    """What share user and system time have in the CPU time of all rounds together; nothing from too few ticks."""
    busy_s = sum(sample.values.get("server_busy", 0.0) for sample in samples) * sample_s
    sums = [sum(sample.values.get(part, 0.0) for sample in samples) for part in COST_PARTS]
    return [one / sum(sums) for one in sums] if busy_s >= FEWEST_TICKS_S and sum(sums) > 0 else []


def figures(results: Results, cell: Cell, arm: str, metric: str) -> dict[int, float]:
    """Round -> the figure of an arm, where it has one above 0."""
    found = ((sample.round, sample.values.get(metric, 0.0)) for sample in results.of(cell, arm))
    return {number: value for number, value in found if value > 0}


def paired(results: Results, cell: Cell, arm: str, other: str | None = None) -> dict[int, tuple[float, float]]:
    """Round -> the figure that is compared, of an arm and of the reference or another arm, where both have it."""
    metric = WORKLOADS[cell.workload].compared
    costs, held_against = (figures(results, cell, label, metric) for label in (arm, other or cell.reference))
    return {number: (costs[number], held_against[number]) for number in costs if number in held_against}


def compare(results: Results, cell: Cell, arm: str) -> Estimate | None:
    """An arm against the reference of its cell; None where no round has both."""
    pairs = paired(results, cell, arm).values()
    return estimate([one / other for one, other in pairs]) if pairs else None


def estimate(ratios: Sequence[float]) -> Estimate:
    """The median of paired ratios with its interval. Raises ValueError without ratios, or with one not above 0."""
    middle, low, high = interval(map(math.log, ratios))
    return Estimate(math.exp(middle), math.exp(low), math.exp(high), len(ratios))


def interval(values: Iterable[float]) -> tuple[float, float, float]:
    """The median of independent values, and the ends of its interval; none is known from fewer than FEWEST_ROUNDS."""
    ranked = sorted(values)
    count, middle = len(ranked), statistics.median(ranked)
    if count < FEWEST_ROUNDS:
        return middle, -math.inf, math.inf
    place = next(place for place in range(count) if _covered(count, place + 1) < AIMED)
    outer, inner = _covered(count, place), _covered(count, place + 1)
    part = (outer - AIMED) / (outer - inner)
    inwards = (count - place) * part / (place + (count - 2 * place) * part)
    low = ranked[place - 1] + inwards * (ranked[place] - ranked[place - 1])
    high = ranked[-place] + inwards * (ranked[-place - 1] - ranked[-place])
    return middle, low, high


def _covered(count: int, place: int) -> float:
    """How probably the median lies between the values of a place from below and the same place from above."""
    outside: float = 2 * sum(math.comb(count, less) for less in range(place)) / 2**count
    return 1 - outside


# --- Two runs, before a change and after it ---
# A machine is not the same on two days, so each CPU time counts in units of what the anchor, which no change touches,
# took in the same round. The interval of a change is made of those of the two runs by squares (Zou and Donner,
# Statistics in Medicine 27, 2008), as much wider as it takes for all to hold together: of forty, two would be none.
Change = tuple[Cell, str, Estimate]  # an arm in a cell: a ratio above 1 is a higher cost than before


def check_baseline(old: Results, cells: Sequence[Cell]) -> None:
    """Raises CannotCompare where a run has nothing that can be held against these cells."""
    keys = [cell.key for cell in cells]
    anchored = all(any(cell.anchor for cell in run) for run in (old.cells, cells))
    if not any(cell.key in keys and (anchored or WORKLOADS[cell.workload].compared != COST) for cell in old.cells):
        needs = "it takes the same cells, and echo with buffered among them, which anchors the two runs"
        raise CannotCompare(f"--baseline: nothing in that file can be held against what is measured now: {needs}")


def changes(old: Results, new: Results) -> list[Change]:
    """Everything that both runs have measured. Raises CannotCompare where they have nothing in common."""
    check_baseline(old, new.cells)
    both = [
        (cell, arm, before, after)
        for cell in new.cells
        for arm in cell.arms
        if (before := _costs(old, cell, arm)) and (after := _costs(new, cell, arm)) and arm != cell.anchor
    ]
    normal, miss = statistics.NormalDist(), (1 - CONFIDENCE) / 2
    wider = normal.inv_cdf(miss / max(1, len(both))) / normal.inv_cdf(miss)
    return [(cell, arm, _ratio(before, after, wider)) for cell, arm, before, after in both]


def _costs(results: Results, cell: Cell, arm: str) -> list[float]:
    """The logarithms of what an arm cost in each round. Memory is the same on a fast machine: it needs no anchor."""
    metric = WORKLOADS[cell.workload].compared
    costs = figures(results, cell, arm, metric)
    units = _anchor(results, cell) if metric == COST else dict.fromkeys(costs, 1.0)
    return [math.log(costs[number] / units[number]) for number in costs if number in units]


def _anchor(results: Results, cell: Cell) -> dict[int, float]:
    """Round -> the cost of the anchor: in this cell, or else in the middle one of echo."""
    places = (place for place in (cell, results.main()) if place is not None and place.anchor)
    return next(filter(None, (figures(results, place, place.anchor, COST) for place in places)), {})


def _ratio(before: list[float], after: list[float], wider: float) -> Estimate:
    first, first_low, first_high = interval(before)
    last, last_low, last_high = interval(after)
    rounds, ratio = min(len(before), len(after)), math.exp(last - first)
    down, up = math.hypot(last - last_low, first_high - first), math.hypot(last_high - last, first - first_low)
    return Estimate(ratio, ratio * math.exp(-wider * down), ratio * math.exp(wider * up), rounds)
