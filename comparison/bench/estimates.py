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

from comparison.bench.plan import COST_PARTS, PERCENTILES, WORKLOADS, Cell, Results, Sample

CONFIDENCE = 0.95
AIMED = 0.96  # the way inwards is an approximation, which falls short of what it aims at by up to one in a hundred
FEWEST_ROUNDS = 6
"""Of fewer values the median lies between the least and the greatest with less than CONFIDENCE: with 1 - 2^(1-n)."""

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
    def at_most(self) -> float:
        """How far the two may lie apart, by the farther end of the interval, as a part: 0.03 is 3 %."""
        return max(1 / self.low, self.high) - 1 if self.has_interval else math.inf

    @property
    def interval(self) -> str:
        if not self.has_interval:
            return f"{self.rounds} round{'s' * (self.rounds != 1)}: no interval"
        return f"{_number(self.low)} to {_number(self.high)}"

    def __str__(self) -> str:
        return f"{_number(self.ratio)} x"


def _number(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


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
