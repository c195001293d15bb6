"""The tables that the terminal and Markdown both show: texts in rows, and nothing else. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comparison.bench import arms, estimates
from comparison.bench.metrics import LATENCY_COLUMNS, METRICS, VIEWS, Column
from comparison.bench.plan import WORKLOADS, Cell, Results, Sample
from comparison.bench.views import words

ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One arm: its figures, and its ratio to the reference."""

    label: str
    figures: tuple[str, ...]
    ratio: str = ""
    interval: str = ""
    seen: str = ""
    """Whether the interval leaves out 1, and if not, what would have been seen."""
    is_reference: bool = False

    @property
    def all_figures(self) -> tuple[str, ...]:
        """What stands under all heads."""
        return (*self.figures, self.ratio, self.interval, self.seen) if self.ratio else self.figures


@dataclass(frozen=True)
class Table:
    """One cell of the benchmark."""

    title: str
    heads: tuple[str, ...]
    compared: str
    """What the ratio is of; empty for a table without ratios."""
    rows: tuple[Row, ...]

    @property
    def all_heads(self) -> tuple[str, ...]:
        """The heads of the figures, and of what is made of them."""
        return (*self.heads, f"{self.compared}, x", "95 %", "differs") if self.compared else self.heads


@dataclass(frozen=True)
class Section:
    """One workload."""

    title: str
    tables: tuple[Table, ...]


def sections(results: Results) -> list[Section]:
    """A section for each workload that was measured, in the order of the plan."""
    workloads = dict.fromkeys(cell.workload for cell in results.cells)
    return [Section(f"{name}: {WORKLOADS.get(name, '')}", tuple(_tables(results, name))) for name in workloads]


def legend(results: Results) -> Iterator[str]:
    """How to read the tables."""
    present = {arm.label.partition("/")[0] for arm in results.arms}
    yield from (f"{name}: {text}" for name, text in arms.MEANINGS.items() if name in present)
    yield (
        "Ratios are to the first arm of each table: the median of the rounds, each paired with the reference's own, "
        "and a 95 % bootstrap interval. no (3 %): no difference seen; one of 3 % would have been."
    )
    if any(cell.workload in ("echo", "connect") for cell in results.cells):
        yield "CPU is the server's, per message or connection; load CPU is what the load generator took for the same."


def _tables(results: Results, workload: str) -> Iterator[Table]:
    view = VIEWS[workload]
    for cell in results.cells_of(workload):
        if any(results.of(cell, arm) for arm in cell.arms):
            yield _table(results, cell, view.columns, view.compared)
            if workload in LATENCY_COLUMNS:
                yield _table(results, cell, LATENCY_COLUMNS[workload])


def _table(results: Results, cell: Cell, columns: tuple[Column, ...], compared: str = "") -> Table:
    found = {
        arm: estimates.compare(results, cell, arm, compared) for arm in cell.arms if compared and arm != cell.reference
    }
    rows = []
    for arm in cell.arms:
        figures = tuple(_figure(results.of(cell, arm), column) for column in columns)
        estimate = found.get(arm)
        if compared and arm == cell.reference:
            rows.append(Row(arm, figures, "1", "reference", is_reference=True))
        elif estimate is None:
            rows.append(Row(arm, figures, ABSENT if compared else ""))
        else:
            rows.append(
                Row(
                    arm,
                    figures,
                    f"{words.number(estimate.ratio)} x",
                    words.interval(estimate),
                    words.seen(estimate),
                )
            )
    title = str(cell) if compared else f"{cell}: latency"
    heads = tuple(column.title for column in columns)
    return Table(title, heads, METRICS[compared].noun if compared else "", tuple(rows))


def _figure(samples: Sequence[Sample], column: Column) -> str:
    """The median of a figure, and how it is split: its parts add up to it."""
    median = estimates.median(samples, column.metric)
    if median is None:
        return ABSENT
    text = METRICS[column.metric].text
    shares = estimates.shares(samples, column.parts)
    split = " + ".join(text(median * share) for share in shares)
    return f"{text(median)} ({split})" if split else text(median)
