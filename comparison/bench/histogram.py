"""Latencies as a histogram whose relative error is the same everywhere (log-linear, as in HdrHistogram).

A value in nanoseconds falls into one of 128 equal buckets of its power of two, so a bucket's middle is within 0.4 % of
every value in it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

BITS = 7
"""Buckets per power of two, as a power of two."""

_COUNT = 1 << BITS


def collect(values_ns: Iterable[int]) -> dict[int, int]:
    """Bucket -> how many values fell into it."""
    return dict(sorted(Counter(map(bucket, values_ns)).items()))


def bucket(value_ns: int) -> int:
    """The number of the bucket of a value; what is below 0 counts as 0."""
    shift = max(0, value_ns.bit_length() - BITS - 1) if value_ns > 0 else 0
    return shift * _COUNT + (max(0, value_ns) >> shift)


def middle_ns(number: int) -> float:
    """The middle of a bucket."""
    shift = max(0, number // _COUNT - 1)
    lowest = number - shift * _COUNT
    return (lowest << shift) + ((1 << shift) - 1) / 2


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """All values of several histograms in one."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update(histogram)
    return dict(sorted(total.items()))


def percentile_us(histogram: Mapping[int, int], share: float) -> float:
    """The smallest value, in microseconds, that at least `share` (0 to 1) of all values do not exceed.

    Raises ValueError for an empty histogram.
    """
    wanted = max(1, -(-sum(histogram.values()) * round(share * 1_000_000) // 1_000_000))
    seen = 0
    for number, count in sorted(histogram.items()):
        seen += count
        if seen >= wanted:
            return middle_ns(number) / 1000
    raise ValueError("an empty histogram has no percentiles")
