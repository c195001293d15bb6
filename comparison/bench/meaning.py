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
from comparison.bench.views import words

MOST = 5
ALIKE = 0.1
"""Two that differ by less than this part, wherever in the interval, cost about as much: a choice has other reasons."""


def sentences(results: Results) -> list[str]:
    """What matters most for a choice first; empty without samples."""
    return list(itertools.islice(_all(results), MOST))


def main(results: Results, workload: str = "echo", transport: str = TCP) -> Cell | None:
    """The cell that speaks for its workload: the middle one, or else the first."""
    cells = [cell for cell in results.cells_of(workload) if cell.transport == transport]
    middle = [cell for cell in cells if (cell.size_bytes, cell.connections) == (MIDDLE_SIZE_BYTES, MIDDLE_CONNECTIONS)]
    return next(iter([*middle, *cells]), None)


def _all(results: Results) -> Iterator[str]:
    order = (("echo", TCP), ("lines", TCP), ("echo", TLS), ("fresh", TCP), ("connect", TCP), ("memory", TCP))
    rest = ((name, over) for over in (TCP, TLS) for name in WORKLOADS if (name, over) not in order)
    for workload, transport in (*order, *rest):
        cell = main(results, workload, transport)
        if cell is not None:
            yield from _choices(results, cell)
            if workload == "echo" and transport == TCP:
                yield from _handler(results, cell)


def _choices(results: Results, cell: Cell) -> Iterator[str]:
    """What each choice costs while the others stay, in one sentence for a cell."""
    clauses: dict[tuple[str, str, str], list[str]] = {}
    for factor, first, other, shared in handler.pairs(results, cell):
        found = estimates.compare(results, cell, other.label, reference=first.label)
        if found is not None and found.low is not None and (cell.workload != "lines" or factor == "idiom"):
            key = factor, other.factors[factor], first.factors[factor]
            clauses.setdefault(key, []).append(f"{_said(found)}{_with(shared)}")
    workload = WORKLOADS[cell.workload]
    noun = METRICS[workload.compared].noun
    what = f"{noun} per {workload.per}" if "CPU" in noun else noun
    if clauses:
        parts = (f"{level} against {base} {' and '.join(said)}" for (_, level, base), said in clauses.items())
        yield f"{words.capital(what)} ({cell}): {'; '.join(parts)}"


def _said(found: Estimate) -> str:
    """A ratio in words. That there is no difference is only said where the whole interval is near 1."""
    text = f"({words.interval(found)})"
    if found.is_sure:
        return f"{words.number(found.ratio)} x {text}"
    if found.at_most is not None and found.at_most < ALIKE:
        return f"about as much {text}"
    return f"undecided {text}"


def _with(shared: tuple[str, ...]) -> str:
    return f" with {' '.join(shared)}" if shared else ""


def _handler(results: Results, cell: Cell) -> Iterator[str]:
    """From how much work a message on the first pair of each factor is a matter of taste."""
    firsts = {choice.factor: choice for choice in reversed(list(handler.choices(results, cell)))}
    parts = []
    for choice in reversed(firsts.values()):
        works = (choice.work_us(part) for part in handler.PARTS)
        said = (
            f"{words.percent(part)} from {middle:,.0f} us on ({low:,.0f} to {high:,.0f})"
            for part, (middle, low, high) in zip(handler.PARTS, works, strict=True)
        )
        parts.append(f"{choice}: less than {', '.join(said)}")
    if parts:
        yield f"The more a handler works for each message, the less a choice makes ({cell.where}). {'; '.join(parts)}"
