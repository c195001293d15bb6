"""Does a figure of a server grow? Pure: numbers in, numbers out, nothing random.

The slope is that of Theil and Sen: the median of the slopes between all pairs of points, which spikes do not move. Its
interval is Sen's, from the distribution of Kendall's S ("Estimates of the Regression Coefficient Based on Kendall's
Tau", Journal of the American Statistical Association 63, 1968). That asks for independent points, and one look at a
process is not independent of the next: so the points are first drawn together into a few blocks, by their medians.
"""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Z = 3.0  # half the width of the interval in standard deviations: with a dozen a run, a false alarm in 60 runs
BLOCKS = 24
FEWEST_BLOCKS = 8  # from fewer points the interval reaches from the least to the greatest slope, and says nothing
WARM_UP = 0.25  # of the run: caches fill, and the allocator takes what it will use again

# What a figure must not grow with: in which unit that is told.
UNITS = {"connections": (1000, "1,000 connections"), "at_s": (60, "minute")}

Points = Sequence[tuple[float, float]]


class Limit(NamedTuple):
    """A figure that must not grow: what is tolerated for each unit of what it is held over, and in the whole run. Where
    `relative`, both are parts of the median of the run."""

    name: str
    title: str
    over: str
    tolerance: float
    floor: float
    unit: str = ""
    relative: bool = False


LIMITS = (
    Limit("memory_kib", "resident memory", "connections", tolerance=64, floor=1024, unit=" KiB"),
    Limit("files", "open files", "connections", tolerance=1, floor=4),
    Limit("threads", "threads", "connections", tolerance=1, floor=1),
    Limit("latency_us", "latency of a good peer", "at_s", tolerance=0.2, floor=0.5, unit=" us", relative=True),
)
"""64 KiB for 1,000 connections are 64 bytes for each: less than any object that could be forgotten. A file that is
forgotten once in 1,000 connections is one too many. Latency may double: the machine has other things to do."""


class Slope(NamedTuple):
    """By how much a series grows for each unit of x; the least that is sure, and what that makes over the run."""

    value: float
    low: float
    in_all: float


class Growth(NamedTuple):
    """What is known of a figure in a run; without a slope the run was too short."""

    median: float
    slope: Slope | None
    tolerated: float
    is_above_noise: bool


@dataclass
class Course:
    """What happened to one server: at each look, by name, the seconds since the start, the connections that peers have
    made so far, and the figures; and sentences about what went wrong."""

    label: str
    looks: list[Mapping[str, float]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def growth(self, limit: Limit) -> Growth:
        unit, _ = UNITS[limit.over]
        points = [(look[limit.over] / unit, look[limit.name]) for look in self.looks if limit.name in look]
        median = statistics.median([value for _, value in points] or [0.0])
        found, scale = slope(points), median if limit.relative else 1
        tolerated = limit.tolerance * scale
        return Growth(median, found, tolerated, grows(found, tolerated, limit.floor * scale))

    @property
    def growing(self) -> list[Limit]:
        """What grows above noise."""
        return [limit for limit in LIMITS if self.growth(limit).is_above_noise]


def slope(points: Points) -> Slope | None:
    """The slope of (x, y) after the warm-up; None where there are too few points, or x does not move."""
    found = _blocks(points[math.ceil(len(points) * WARM_UP) :])
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(found, 2) if b[0] > a[0])
    count = len(found)
    if count < FEWEST_BLOCKS or not slopes:
        return None
    reach = Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = slopes[max(0, math.floor((len(slopes) - reach) / 2))]
    return Slope(statistics.median(slopes), low, low * (found[-1][0] - found[0][0]))


def grows(found: Slope | None, tolerance: float, floor: float) -> bool:
    """Whether the whole interval is above `tolerance`, and makes at least `floor` over the run."""
    return found is not None and found.low > tolerance and found.in_all > floor


def _blocks(points: Points) -> Points:
    """At most BLOCKS points, each the median of its neighbours."""
    edges = [len(points) * n // BLOCKS for n in range(BLOCKS + 1)]
    parts = [points[start:end] for start, end in itertools.pairwise(edges) if start < end]
    return [(statistics.median(x for x, _ in part), statistics.median(y for _, y in part)) for part in parts]
