"""Latencies as a histogram whose relative error is the same everywhere: each is kept to three digits, which is within
0.5 % of it."""

from collections import Counter
from collections.abc import Iterable, Mapping


def collect(values_ns: Iterable[int]) -> dict[int, int]:
    """Latency in nanoseconds -> how many there were."""
    return dict(Counter(int(float(f"{value_ns:.2e}")) for value_ns in values_ns))


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """All values of several histograms in one."""
    total: Counter[int] = Counter()
    for histogram in histograms:
        total.update(histogram)
    return dict(total)


def percentile_us(histogram: Mapping[int, int], share: float) -> float:
    """The smallest value, in microseconds, that at least `share` (0 to 1) of all values do not exceed.

    Raises ValueError for an empty histogram.
    """
    wanted = max(1, -(-sum(histogram.values()) * round(share * 1_000_000) // 1_000_000))
    seen = 0
    for value_ns, count in sorted(histogram.items()):
        seen += count
        if seen >= wanted:
            return value_ns / 1000
    raise ValueError("an empty histogram has no percentiles")
