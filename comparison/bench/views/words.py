"""What every view says in the same words."""

from comparison.bench.estimates import Estimate


def interval(estimate: Estimate) -> str:
    """The interval in a cell of a table."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.rounds} round{'s' * (estimate.rounds != 1)}: no interval"
    return f"{number(estimate.low)} to {number(estimate.high)}"


def seen(estimate: Estimate) -> str:
    """Whether a difference is seen, in a cell of a table; if not, how large one can be."""
    if estimate.low is None:
        return "?"
    return "yes" if estimate.is_sure else f"no (at most {percent(estimate.at_most)})"


def number(ratio: float) -> str:
    """A ratio with as many digits as can matter."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def percent(part: float | None) -> str:
    """A part of 1 as a percentage of two digits at most."""
    if part is None:
        return "?"
    return f"{part * 100:.1g} %" if part < 0.01 else f"{part * 100:.0f} %"
