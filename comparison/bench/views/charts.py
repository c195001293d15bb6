"""The benchmark as charts: for each cell the ratios to its reference, as dots with their intervals."""

from collections.abc import Iterator
from pathlib import Path

from comparison import files
from comparison.bench import estimates, handler, meaning
from comparison.bench.metrics import METRICS, WORKLOADS
from comparison.bench.plan import Results
from comparison.bench.views import svg

MOST_WORK_US = 1000.0
STEPS = 60


def draw(results: Results) -> Iterator[tuple[str, str, str]]:
    """Name, title and SVG of every chart that the results have figures for."""
    for cell in results.cells:
        ratios = {arm: estimates.compare(results, cell, arm) for arm in cell.arms}
        if any(ratios.values()):
            noun = METRICS[WORKLOADS[cell.workload].compared].noun
            title = f"{cell}: the {noun} of each against that of {cell.reference}; less is better"
            yield cell.key.replace("/", "-"), title, svg.dots(title, ratios)
    main = meaning.main(results)
    if main is not None and (choices := list(handler.choices(results, main))):
        works_us = [MOST_WORK_US ** (step / STEPS) for step in range(STEPS + 1)]
        lines = {str(choice): [(us, 100 * choice.part(us)) for us in works_us] for choice in choices}
        title = f"The more a handler works for each message, the less a choice costs: percent more ({main.where})"
        yield "handler", title, svg.curves(title, "us of work a message", lines, log=True)


def write(results: Results, folder: Path) -> list[Path]:
    """Write every chart into `folder`, which is made; the files that were written."""
    folder.mkdir(exist_ok=True)
    written = []
    for name, _, text in draw(results):
        written.append(folder / f"{name}.svg")
        files.write(written[-1], text)
    return written
