"""Does a series grow? Pure: numbers in, numbers out, nothing random.

The slope is that of Theil and Sen: the median of the slopes between all pairs of points, which spikes do not move. Its
interval is Sen's, from the distribution of Kendall's S ("Estimates of the Regression Coefficient Based on Kendall's
Tau", Journal of the American Statistical Association 63, 1968). That asks for independent points, and one look at a
process is not independent of the next: so the points are first drawn together into a few blocks, by their medians.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Z = 3.0
"""Half the width of the interval in standard deviations: with a dozen intervals a run, a false alarm in 60 runs."""

BLOCKS = 24
FEWEST_BLOCKS = 8
"""From fewer points the interval reaches from the least to the greatest slope, and says nothing."""

WARM_UP = 0.25
"""The part at the beginning that does not count: caches fill, and the allocator takes what it will use again."""


@dataclass(frozen=True)
class Slope:
    """By how much a series grows for each unit of x, with its interval; `span` is how far x reached."""

    value: float
    low: float
    high: float
    span: float


def slope(points: Sequence[tuple[float, float]]) -> Slope | None:
    """The slope of (x, y) after the warm-up; None where there are too few points, or x does not move."""
    found = blocks(points[math.ceil(len(points) * WARM_UP) :])
    if len(found) < FEWEST_BLOCKS:
        return None
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(found, 2) if b[0] > a[0])
    if not slopes:
        return None
    count = len(found)
    reach = Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - reach) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + reach) / 2))
    return Slope(statistics.median(slopes), slopes[low], slopes[high], found[-1][0] - found[0][0])


def grows(found: Slope | None, tolerance: float, floor: float) -> bool:
    """Whether the whole interval is above `tolerance`, and makes at least `floor` over the run."""
    return found is not None and found.low > tolerance and found.low * found.span > floor


def blocks(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most BLOCKS points, each the median of its neighbours."""
    count = min(BLOCKS, len(points))
    edges = [len(points) * n // count for n in range(count + 1)] if count else [0]
    return [
        (statistics.median(x for x, _ in points[start:end]), statistics.median(y for _, y in points[start:end]))
        for start, end in itertools.pairwise(edges)
    ]
