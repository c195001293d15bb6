"""What the figures mean for someone who has to choose: at most five sentences, made from the numbers and only from
them. Pure.

Which two arms a sentence is about is fixed before anything is measured: they differ in one factor, and the first level
is what the others are held against. A pair that was chosen for its figures would differ by chance alone. No sentence is
made without an interval.
"""

import itertools
from collections.abc import Iterator

from comparison.bench import estimates, handler
from comparison.bench.estimates import Estimate
from comparison.bench.metrics import METRICS, WORKLOADS
from comparison.bench.plan import MIDDLE_CONNECTIONS, MIDDLE_SIZE_BYTES, TCP, TLS, Cell, Results

MOST = 5
ALIKE = 0.1
"""Two that differ by less than this part, wherever in the interval, cost about as much: a choice has other reasons."""

FIRST = (("echo", TCP), ("lines", TCP), ("echo", TLS))
"""What matters most for a choice."""


def sentences(results: Results) -> list[str]:
    """What matters most for a choice first; empty without samples."""
    return list(itertools.islice(_all(results), MOST))


def main(results: Results, workload: str = "echo", transport: str = TCP) -> Cell | None:
    """The cell that speaks for its workload: the middle one, or else the first."""
    cells = [cell for cell in results.cells_of(workload) if cell.transport == transport]
    middle = [cell for cell in cells if (cell.size_bytes, cell.connections) == (MIDDLE_SIZE_BYTES, MIDDLE_CONNECTIONS)]
    return next(iter([*middle, *cells]), None)


def _all(results: Results) -> Iterator[str]:
    rest = ((workload, transport) for transport in (TCP, TLS) for workload in WORKLOADS)
    for workload, transport in dict.fromkeys((*FIRST, *rest)):
        cell = main(results, workload, transport)
        if cell is not None:
            yield from _choices(results, cell)
            if (workload, transport) == FIRST[0]:
                yield from _handler(results, cell)


def _choices(results: Results, cell: Cell) -> Iterator[str]:
    """What each choice costs while the others stay, in one sentence for a cell."""
    clauses: dict[str, list[str]] = {}
    for pair in handler.pairs(results, cell):
        found = estimates.compare(results, cell, pair.other.label, reference=pair.first.label)
        if found is not None and found.has_interval and (cell.workload != "lines" or pair.factor == "idiom"):
            clauses.setdefault(pair.levels("against"), []).append(f"{_said(found)}{pair.shared}")
    workload = WORKLOADS[cell.workload]
    noun = METRICS[workload.compared].noun
    what = f"{noun} per {workload.per}" if "CPU" in noun else noun
    if clauses:
        parts = (f"{choice} {' and '.join(said)}" for choice, said in clauses.items())
        yield f"{what[0].upper()}{what[1:]} ({cell}): {'; '.join(parts)}"


def _said(found: Estimate) -> str:
    """A ratio in words. That there is no difference is only said where the whole interval is near 1."""
    if found.is_sure:
        return f"{found} ({found.interval})"
    return f"{'about as much' if found.at_most < ALIKE else 'undecided'} ({found.interval})"


def _handler(results: Results, cell: Cell) -> Iterator[str]:
    """From how much work a message on the first pair of each factor is a matter of taste."""
    firsts: dict[str, str] = {}
    for choice in handler.choices(results, cell):
        works = ((part, *choice.work_us(part)) for part in handler.PARTS)
        limits = (
            f"{part * 100:g} % from {middle:,.0f} us on ({low:,.0f} to {high:,.0f})"
            for part, middle, low, high in works
        )
        firsts.setdefault(choice.pair.factor, f"{choice}: less than {', '.join(limits)}")
    if firsts:
        said = "; ".join(firsts.values())
        yield f"The more a handler works for each message, the less a choice makes ({cell.where}). {said}"
