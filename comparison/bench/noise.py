"""What makes a result doubtful, each with the advice that fits. Pure: sentences from results."""

import math
from collections import Counter
from collections.abc import Iterator

from comparison.bench import estimates
from comparison.bench.plan import LEAST_ROUNDS, Cell, Results

IDLE_LOAD = 0.7  # a load average, per core that the benchmark leaves free, above which somebody else is at work
MANY = 5  # from so many connections on a wait for one does not stop the others
TOGETHER = 0.6
"""Of a closed loop with many requests one side or the other always has work: both together are busy for all of the time
and more. Where they are so for less than this share, somebody else was on their cores."""

FAULTS = 0.5  # page faults a message, above which memory is got from the kernel and given back for each of them
CHANCE = 0.03  # how often all forward rounds lie on one side of all backward ones, where there are four of each


def advice(results: Results) -> list[str]:
    """A sentence for each doubt: the machine first, which everything rests on."""
    makers = (_machine, _troubles, _few_rounds, _stolen, _drift, _faults, _chance)
    return [sentence for maker in makers for sentence in maker(results)]


def _machine(results: Results) -> Iterator[str]:
    load, cores = results.environment.get("load"), results.environment.get("cores")
    if isinstance(load, int | float) and isinstance(cores, int) and load > IDLE_LOAD * max(1, cores - 1):
        yield (
            f"the machine was not idle at the start (load {load} on {cores} cores): end what else runs, and measure "
            "again; the ratios are paired against that, the figures themselves are not"
        )


def _troubles(results: Results) -> Iterator[str]:
    cells = {cell.key: cell for cell in results.cells}
    found = Counter((cells[one.cell], one.arm, trouble) for one in results.samples for trouble in one.troubles)
    for (cell, arm, trouble), count in found.items():
        times = f" ({count} rounds)" if count > 1 else ""
        yield f"{cell}: {arm}: {trouble}{times}; its figures there are of what was left"


def _few_rounds(results: Results) -> Iterator[str]:
    rounds = max((sample.round for sample in results.samples), default=0)
    if 0 < rounds < estimates.FEWEST_ROUNDS:
        yield (
            f"{rounds} round{'s' * (rounds != 1)}: too few for an interval, so no ratio here is sure; "
            f"take {LEAST_ROUNDS} or more with --rounds"
        )


def _stolen(results: Results) -> Iterator[str]:
    """Where server and generator together were busy for much less than the time."""
    places = [place for place in _all(results, "echo", "fresh", "lines") if place[0].connections >= MANY]
    found = [sample.values for place in places for sample in results.of(*place) if "generator_busy" in sample.values]
    idle = sum(values["server_busy"] + values["generator_busy"] < TOGETHER for values in found)
    if idle:
        yield (
            f"in {idle} of {len(found)} samples server and load together were busy for less than "
            f"{TOGETHER * 100:.0f} % of the time: somebody else was on their cores; end what else runs, measure again"
        )


def _drift(results: Results) -> Iterator[str]:
    """Whether the noise changes between the two arms of a pair: what is measured first is then another in rounds that
    run backwards."""
    tried, apart = 0, []
    for cell, arm in _all(results):
        pairs = estimates.paired(results, cell, arm)
        even, odd = ([one / other for place, (one, other) in pairs.items() if place % 2 == way] for way in (0, 1))
        if arm != cell.reference and min(len(even), len(odd)) >= 4:
            tried += 1
            if max(even) < min(odd) or max(odd) < min(even):
                apart.append(f"{arm} in {cell}")
    expected = tried * CHANCE
    if len(apart) > expected + 2 * math.sqrt(expected) + 1:
        yield (
            f"in {len(apart)} of {tried} pairs (by chance {expected:.0f}) all forward rounds lie on one side of all "
            f"backward ones ({'; '.join(apart[:3])}): the noise drifts within a pair, and intervals are too narrow; "
            "measure again on a machine that does nothing else"
        )


def _faults(results: Results) -> Iterator[str]:
    """Where memory is mapped and unmapped for each message; of a server whom nobody has left yet that is the result."""
    places = _all(results, "echo", "lines", "half")
    counts = ((cell, arm, estimates.median(results.of(cell, arm), "faults") or 0.0) for cell, arm in places)
    found = [f"{arm} in {cell} ({faults:.1f})" for cell, arm, faults in counts if faults > FAULTS]
    if found:
        yield (
            f"more than {FAULTS:g} page faults a message: {'; '.join(found)}; the allocator maps and unmaps memory for "
            "each there, which can be most of the cost: MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_, both set, "
            "end it"
        )


def _chance(results: Results) -> Iterator[str]:
    compared = (estimates.compare(results, cell, arm) for cell, arm in _all(results) if arm != cell.reference)
    found = sum(estimate is not None and estimate.has_interval for estimate in compared)
    missed = found * (1 - estimates.CONFIDENCE)
    if missed >= 1:
        yield f"of {found} intervals of 95 % about {missed:.0f} miss the truth by chance: measure again what surprises"


def _all(results: Results, *workloads: str) -> Iterator[tuple[Cell, str]]:
    """Each arm in each cell, or in those of some workloads."""
    cells = (cell for cell in results.cells if not workloads or cell.workload in workloads)
    return ((cell, arm) for cell in cells for arm in cell.arms)
