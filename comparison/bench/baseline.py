"""Two runs of the benchmark, before a change and after it: what is better, worse, or inconclusive. Pure.

A machine is not the same on two days, so each CPU time counts in units of what `buffered`, which no change touches,
took in the same round. The interval of a change is made of those of the two runs by squares (Zou and Donner, Statistics
in Medicine 27, 2008), and as much wider as it takes for all changes to hold together: of forty, two would be none.
"""

import math
import statistics
from collections.abc import Iterator, Sequence

from comparison.bench import estimates, meaning
from comparison.bench.estimates import CONFIDENCE, Estimate
from comparison.bench.plan import COST, WORKLOADS, Cell, Results
from comparison.layout import Block, Heading, Table
from comparison.model import CannotCompare

ANCHOR = "buffered/"
Change = tuple[Cell, str, Estimate]  # an arm in a cell: a ratio above 1 is a higher cost than before


def verdict(ratio: Estimate) -> str:
    """Better, worse or inconclusive."""
    return "inconclusive" if not ratio.is_sure else "worse" if ratio.ratio > 1 else "better"


def check(old: Results, cells: Sequence[Cell]) -> None:
    """Raises CannotCompare where a run has nothing that can be held against these cells."""
    keys = [cell.key for cell in cells]
    anchored = all(any(label.startswith(ANCHOR) for cell in run for label in cell.arms) for run in (old.cells, cells))
    if not any(cell.key in keys and (anchored or WORKLOADS[cell.workload].compared != COST) for cell in old.cells):
        needs = "it takes the same cells, and echo with buffered among them, which anchors the two runs"
        raise CannotCompare(f"--baseline: nothing in that file can be held against what is measured now: {needs}")


def changes(old: Results, new: Results) -> list[Change]:
    """Everything that both runs have measured. Raises CannotCompare where they have nothing in common."""
    check(old, new.cells)
    both = [
        (cell, arm, before, after)
        for cell in new.cells
        for arm in cell.arms
        if (before := _costs(old, cell, arm)) and (after := _costs(new, cell, arm)) and not arm.startswith(ANCHOR)
    ]
    normal, miss = statistics.NormalDist(), (1 - CONFIDENCE) / 2
    wider = normal.inv_cdf(miss / max(1, len(both))) / normal.inv_cdf(miss)
    return [(cell, arm, _ratio(before, after, wider)) for cell, arm, before, after in both]


def blocks(found: list[Change]) -> Iterator[Block]:
    """The changes as a table; nothing without any."""
    styles = {"worse": "bold", "inconclusive": "dim"}
    rows = [(str(cell), arm, str(ratio), ratio.interval, verdict(ratio)) for cell, arm, ratio in found]
    if rows:
        shown = [[(text, styles.get(row[-1], "")) for text in row] for row in rows]
        yield from (Heading("Against the baseline"), Table(["", "", "cost, x", "all together, 95 %", ""], shown))


def _costs(results: Results, cell: Cell, arm: str) -> list[float]:
    """The logarithms of what an arm cost in each round. Memory is the same on a fast machine: it needs no anchor."""
    metric = WORKLOADS[cell.workload].compared
    costs = estimates.figures(results, cell, arm, metric)
    units = _anchor(results, cell) if metric == COST else dict.fromkeys(costs, 1.0)
    return [math.log(costs[number] / units[number]) for number in costs if number in units]


def _anchor(results: Results, cell: Cell) -> dict[int, float]:
    """Round -> the cost of `buffered`: in this cell, or else in the middle one of echo."""
    places = [(place, label) for place in (cell, meaning.main(results)) if place is not None for label in place.arms]
    anchors = (estimates.figures(results, *place, COST) for place in places if place[1].startswith(ANCHOR))
    return next(filter(None, anchors), {})


def _ratio(before: list[float], after: list[float], wider: float) -> Estimate:
    first, first_low, first_high = estimates.interval(before)
    last, last_low, last_high = estimates.interval(after)
    rounds, ratio = min(len(before), len(after)), math.exp(last - first)
    down, up = math.hypot(last - last_low, first_high - first), math.hypot(last_high - last, first - first_low)
    return Estimate(ratio, ratio * math.exp(-wider * down), ratio * math.exp(wider * up), rounds)
