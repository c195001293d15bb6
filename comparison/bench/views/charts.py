"""The benchmark as charts: for each cell the ratios to its reference, as dots with their intervals."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from comparison import files
from comparison.bench import estimates, handler, meaning
from comparison.bench.metrics import METRICS, WORKLOADS
from comparison.bench.plan import Cell, Results
from comparison.bench.views import svg

MOST_WORK_US = 1000.0
STEPS = 60


def draw(results: Results) -> Iterator[tuple[str, str]]:
    """Name and SVG of every chart that the results have figures for."""
    for cell in results.cells:
        if any(estimates.compare(results, cell, arm) for arm in cell.arms):
            yield cell.key.replace("/", "-"), _ratios(results, cell)
    main = meaning.main(results)
    if main is not None and (choices := list(handler.choices(results, main))):
        yield "handler", _handler(main, choices)


def write(results: Results, folder: Path) -> list[Path]:
    """Write every chart into `folder`, which is made; the files that were written."""
    folder.mkdir(exist_ok=True)
    written = []
    for name, text in draw(results):
        written.append(folder / f"{name}.svg")
        files.write(written[-1], text)
    return written


def _ratios(results: Results, cell: Cell) -> str:
    noun = METRICS[WORKLOADS[cell.workload].compared].noun
    title = f"{cell}: the {noun} of each against that of {cell.reference}; less is better"
    return svg.dots(title, {arm: estimates.compare(results, cell, arm) for arm in cell.arms})


def _handler(cell: Cell, choices: Sequence[handler.Choice]) -> str:
    works_us = [MOST_WORK_US ** (step / STEPS) for step in range(STEPS + 1)]
    lines = {str(choice): [(us, 100 * choice.part(us)) for us in works_us] for choice in choices}
    title = f"The more a handler works for each message, the less a choice costs: percent more ({cell.where})"
    return svg.curves(title, "us of work a message", lines, log=True)
