"""A soak as a chart: one panel for each figure, a line for each server."""

from pathlib import Path

from comparison import files
from comparison.bench.views import svg
from comparison.soak.plan import LIMITS, Limit, Soak
from comparison.soak.slopes import blocks


def draw(found: Soak, path: Path) -> None:
    """Write it as SVG."""
    files.write(path, svg.stacked(_panel(found, limit) for limit in LIMITS))


def _panel(found: Soak, limit: Limit) -> str:
    lines = {
        course.label + (" GROWS" if limit in course.growing else ""): blocks(
            [(look.at_s, look.figures[limit.name]) for look in course.looks if limit.name in look.figures]
        )
        for course in found.courses
    }
    unit = "" if limit.unit == limit.title else f", {limit.unit}"
    return svg.curves(f"{limit.title}{unit}, under good and bad peers at once", "seconds", lines, high=130)
