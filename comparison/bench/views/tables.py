"""The tables that the terminal and Markdown both show: texts in rows, and nothing else. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comparison.bench import estimates, handler, meaning
from comparison.bench.metrics import METRICS, WORKLOADS
from comparison.bench.plan import Cell, Results, Sample
from comparison.bench.views import words

ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One arm: its figures, and its ratio to the reference."""

    label: str
    figures: tuple[str, ...]
    is_reference: bool = False
    is_alike: bool = False
    """Whether no difference to the reference is seen."""


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
    workloads = dict.fromkeys(cell.workload for cell in results.cells)
    found = [Section(f"{name}: {WORKLOADS[name].what}", tuple(_tables(results, name))) for name in workloads]
    made = _handler(results)
    return [*found, Section("handler: from how much work a message on a choice makes less", (made,))] if made else found


def legend(results: Results) -> Iterator[str]:
    """How to read the tables."""
    yield from dict.fromkeys(arm.meaning for arm in results.arms if arm.meaning)
    yield (
        "Ratios are to the first arm of each table: the median of the rounds, each paired with the reference's own, "
        "and a 95 % bootstrap interval. no (at most 3 %): no difference seen, and the interval ends at 3 %."
    )
    measured = {cell.workload for cell in results.cells}
    if measured - {"memory"}:
        yield "CPU is the server's, for each message or connection; so are the page faults."
    if "fresh" in measured:
        yield (
            "Somebody has left before echo is measured, as in any service that has run for a while; fresh shows one "
            "whom nobody has left yet: with glibc each read may then map and unmap a block, which a page fault tells"
        )
    if "half" in measured:
        yield "Percentiles are of all rounds together. A closed loop has none: there they are the throughput again"
    if "memory" in measured:
        yield "Memory is that of idle connections, the kernel's buffers apart; as many again must add little"


def _tables(results: Results, workload: str) -> Iterator[Table]:
    for cell in results.cells_of(workload):
        if any(results.of(cell, arm) for arm in cell.arms):
            yield _table(results, cell)


def _handler(results: Results) -> Table | None:
    """Every choice whose difference is seen in the middle cell of echo."""
    cell = meaning.main(results)
    rows = []
    for choice in handler.choices(results, cell) if cell is not None else ():
        works = (choice.work_us(part) for part in handler.PARTS)
        figures = tuple(f"{middle:,.0f} us ({low:,.0f} to {high:,.0f})" for middle, low, high in works)
        rows.append(Row(str(choice), figures))
    heads = tuple(f"below {words.percent(part)}" for part in handler.PARTS)
    return Table(f"handler, {cell.where}", heads, tuple(rows)) if cell is not None and rows else None


def _table(results: Results, cell: Cell) -> Table:
    workload = WORKLOADS[cell.workload]
    rows = []
    for arm in cell.arms:
        figures = tuple(_figure(results, results.of(cell, arm), metric) for metric in workload.columns)
        found = estimates.compare(results, cell, arm)
        if arm == cell.reference:
            rows.append(Row(arm, (*figures, "1", "reference", ""), is_reference=True))
        elif found is None:
            rows.append(Row(arm, (*figures, ABSENT, "", "")))
        else:
            compared = f"{words.number(found.ratio)} x", words.interval(found), words.seen(found)
            rows.append(Row(arm, (*figures, *compared), is_alike=not found.is_sure))
    heads = tuple(METRICS[metric].title for metric in workload.columns)
    return Table(str(cell), (*heads, f"{METRICS[workload.compared].noun}, x", "95 %", "differs"), tuple(rows))


def _figure(results: Results, samples: Sequence[Sample], metric: str) -> str:
    """The median of a figure, and how it is split: its parts add up to it."""
    median = estimates.median(samples, metric)
    if median is None:
        return ABSENT
    text = METRICS[metric].text
    shares = estimates.shares(samples, metric, results.settings.get("sample_s", 0.0))
    split = " + ".join(text(median * share) for share in shares)
    return f"{text(median)} ({split})" if split else text(median)
