"""A soak as a chart, with matplotlib: one panel for each figure, a line for each server."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from comparison.bench.views.palette import COLOURS, DASHES, PIXELS_PER_INCH
from comparison.soak.plan import METRICS, Soak
from comparison.soak.slopes import WARM_UP


def draw(found: Soak, path: Path) -> None:
    """Draw it into `path`; the end of its name says in which form, svg or png."""
    with matplotlib.rc_context({"svg.hashsalt": "soak", "font.size": 8.0}):
        figure = Figure(figsize=(9.0, 2.0 * len(METRICS)), layout="constrained")
        panels = figure.subplots(len(METRICS), 1, sharex=True)
        for axes, metric in zip(panels, METRICS, strict=True):
            for number, course in enumerate(found.courses):
                looks = [look for look in course.looks if metric.name in look.figures]
                grown = " GROWS" if metric in course.growing else ""
                axes.plot(
                    [look.at_s for look in looks],
                    [look.figures[metric.name] for look in looks],
                    color=COLOURS[number % len(COLOURS)],
                    linestyle=DASHES[number % len(DASHES)],
                    linewidth=1.2,
                    label=course.label + grown,
                )
            axes.axvspan(0, WARM_UP * found.minutes * 60, color="#eeeeee")
            if metric.relative:
                axes.set_yscale("log")
            axes.set_ylabel(metric.title if metric.unit == metric.title else f"{metric.title}, {metric.unit}")
            axes.grid(linewidth=0.3)
            axes.legend(fontsize=6)
        panels[-1].set_xlabel("seconds; grey: the warm-up, which does not count")
        environment = ", ".join(f"{name} {value}" for name, value in found.environment.items())
        figure.suptitle(f"Each server under good and bad peers at once\n{environment}")
        figure.savefig(path, dpi=PIXELS_PER_INCH, metadata={"Date": None} if path.suffix == ".svg" else {})
