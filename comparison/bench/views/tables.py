"""The tables that every view shows: texts in rows, and nothing else. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from comparison.bench import estimates
from comparison.bench.estimates import Estimate
from comparison.bench.metrics import METRICS, WORKLOADS
from comparison.bench.plan import Cell, Results

ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One arm: its figures, and its ratio to the reference."""

    label: str
    figures: tuple[str, ...]
    style: str = ""
    """How it looks: bold is the reference, dim who does not differ from it."""


@dataclass(frozen=True)
class Table:
    """One cell of the benchmark."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """One workload."""

    title: str
    tables: tuple[Table, ...]


def sections(results: Results) -> list[Section]:
    """A section for each workload that was measured, in the order of the plan."""
    found = []
    for name in dict.fromkeys(cell.workload for cell in results.cells):
        measured = [cell for cell in results.cells_of(name) if any(results.of(cell, arm) for arm in cell.arms)]
        found.append(Section(f"{name}: {WORKLOADS[name].what}", tuple(_table(results, cell) for cell in measured)))
    return found


def seen(found: Estimate) -> str:
    """Whether a difference is seen; if not, how large one can be."""
    if found.at_most is None:
        return "?"
    return "yes" if found.is_sure else f"no (at most {max(1, round(100 * found.at_most))} %)"


def legend(results: Results) -> Iterator[str]:
    """How to read the tables."""
    yield from dict.fromkeys(arm.meaning for arm in results.arms if arm.meaning)
    yield (
        "Ratios are to the first arm of each table: the median of the rounds, each paired with the reference's own, "
        "and a 95 % interval. no (at most 3 %): no difference seen, and the interval ends at 3 %."
    )
    measured = {cell.workload for cell in results.cells}
    if measured - {"memory"}:
        yield "CPU is the server's, for each message or connection; so are the page faults."
        yield "per s is what a server and the load generator can do together: who costs little may be able to do more"
    if "fresh" in measured:
        yield (
            "Somebody has left before echo is measured, as in any service that has run for a while; fresh shows one "
            "whom nobody has left yet: with glibc each read may then map and unmap a block, which a page fault tells"
        )
    if "half" in measured:
        yield "Percentiles are of all rounds together. A closed loop has none: there they are the throughput again"
    if "memory" in measured:
        yield "Memory is that of idle connections, the kernel's buffers apart; as many again must add little"


def _table(results: Results, cell: Cell) -> Table:
    workload = WORKLOADS[cell.workload]
    heads = [METRICS[metric].title for metric in workload.columns]
    rows = []
    for arm in cell.arms:
        figures = [_figure(results, cell, arm, metric) for metric in workload.columns]
        found = estimates.compare(results, cell, arm)
        if found is None:
            rows.append(Row(arm, (*figures, ABSENT, "", "")))
        elif arm == cell.reference:
            rows.append(Row(arm, (*figures, "1", "reference", ""), "bold"))
        else:
            compared = str(found), found.interval, seen(found)
            rows.append(Row(arm, (*figures, *compared), "" if found.is_sure else "dim"))
    return Table(str(cell), (*heads, f"{METRICS[workload.compared].noun}, x", "95 %", "differs"), tuple(rows))


def _figure(results: Results, cell: Cell, arm: str, metric: str) -> str:
    """The median of a figure, and how it is split: its parts add up to it."""
    samples, text = results.of(cell, arm), METRICS[metric].text
    median = estimates.median(samples, metric)
    if median is None:
        return ABSENT
    shares = estimates.shares(samples, metric, results.settings.get("sample_s", 0.0))
    split = " + ".join(text(median * share) for share in shares)
    return f"{text(median)} ({split})" if split else text(median)
