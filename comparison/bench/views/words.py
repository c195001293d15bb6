"""What every view says in the same words."""

from comparison.bench.estimates import Estimate
from comparison.bench.metrics import METRICS, VIEWS
from comparison.bench.plan import Cell


def interval(estimate: Estimate) -> str:
    """The interval in a cell of a table."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.rounds} round{'s' * (estimate.rounds != 1)}: no interval"
    return f"{number(estimate.low)} to {number(estimate.high)}"


def seen(estimate: Estimate) -> str:
    """Whether a difference is seen, in a cell of a table; if not, which one would have been."""
    if estimate.low is None:
        return "?"
    return "yes" if estimate.is_sure else f"no ({percent(estimate.visible)})"


def sentence(subject: str, estimate: Estimate, cell: Cell, other: str, metric: str | None = None) -> str:
    """A ratio in words, whatever it is; where no difference is seen, how large a one would have been."""
    chosen = METRICS[metric or VIEWS[cell.workload].compared]
    what = chosen.noun
    if chosen.name == "server_cpu_us":
        what += f" per {VIEWS[cell.workload].per}"
    verb = "costs" if chosen.lower_is_better and "CPU" in what else "has"
    text = f"{subject} {verb} {number(estimate.ratio)} x the {what} of {other}"
    if estimate.low is None or estimate.high is None:
        return f"{text}; too few rounds to say how sure that is"
    if estimate.is_sure:
        return f"{text}, 95 % {number(estimate.low)} to {number(estimate.high)}"
    return f"{subject} against {other}, {what}: {no_difference(estimate)}"


def no_difference(estimate: Estimate) -> str:
    """What to say where the interval includes 1."""
    return f"no difference seen; one of {percent(estimate.visible)} would have been"


def number(ratio: float) -> str:
    """A ratio with as many digits as can matter."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def percent(part: float | None) -> str:
    """A part of 1 as a percentage of two digits at most."""
    if part is None:
        return "?"
    return f"{part * 100:.1g} %" if part < 0.01 else f"{part * 100:.0f} %"
