"""The benchmark as charts, each as SVG and PNG, with matplotlib.

Arms are told apart three times over: by colours that the colour-blind tell apart (Okabe and Ito, "Color Universal
Design", 2008) and that differ in grey, by markers, and by hatches or dashes. Each chart names its unit and its
interval.
"""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from comparison.bench import environment, estimates, histogram
from comparison.bench.metrics import METRICS, PERCENTILES, VIEWS, Metric
from comparison.bench.plan import KIB, Cell, Results, size_text
from comparison.bench.views.palette import COLOURS, DASHES, PIXELS_PER_INCH

MARKERS = "osD^vP*X"
HATCHES = ("", "//", "\\\\", "xx", "..", "--", "++", "oo")

WIDTH_INCHES = 9.0
FOOT_INCHES = 0.35
CAPTION_CHARACTERS = 190
"""What of the caption fits on a line."""

RANGE = "lines: 95 % bootstrap interval of the median"
QUARTILES = "lines: quartiles of the rounds"
TAIL = 1e-4
"""The latency distribution ends at 99.99 %: beyond are single messages."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw every chart that the results have figures for into `folder`, which is made; the files that were written."""
    folder.mkdir(exist_ok=True)
    written = []
    with matplotlib.rc_context(
        {"svg.hashsalt": "bench", "font.size": 9.0, "axes.titlesize": 9.0}
    ):  # the same figures give the same file
        for name, figure in _figures(results):
            figure.text(0.01, 0.005, _caption(results), fontsize=6, color="#444444")
            for form in ("svg", "png"):
                path = folder / f"{name}.{form}"
                metadata = {"Date": None} if form == "svg" else {}
                figure.savefig(path, dpi=PIXELS_PER_INCH, metadata=metadata)
                written.append(path)
    return written


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    styles = {arm.label: place for place, arm in enumerate(arm for arm in results.arms if " -> " not in arm.label)}
    for workload in dict.fromkeys(cell.workload for cell in results.cells):
        cells = [cell for cell in results.cells_of(workload) if any(results.of(cell, arm) for arm in cell.arms)]
        if cells:
            yield f"ratios-{workload}", _ratios(results, cells)
        for cell in cells:
            if any(sample.latencies for arm in cell.arms for sample in results.of(cell, arm)):
                yield f"latency-{cell.key.replace('/', '-')}", _latency(results, cell, styles)
    echo = results.cells_of("echo")
    by_connections = _line_of(echo, lambda cell: cell.size_bytes, lambda cell: cell.connections)
    by_size = _line_of(echo, lambda cell: cell.connections, lambda cell: cell.size_bytes)
    if len(by_connections) > 1:
        title = f"Server CPU per message of {size_text(by_connections[0].size_bytes)}, by the number of connections"
        numbers = [cell.connections for cell in by_connections]
        yield "cost-connections", _course(results, by_connections, numbers, "connections", title, styles)
    if len(by_size) > 1:
        title = f"Server CPU per message with {by_size[0].connections:,} connections, by the size of the message"
        sizes = [cell.size_bytes for cell in by_size]
        yield "cost-size", _course(results, by_size, sizes, "bytes in a message", title, styles)
    for cell in results.cells_of("memory"):
        yield f"memory-{cell.connections}", _memory(results, cell, styles)


def _ratios(results: Results, cells: Sequence[Cell]) -> Figure:
    """One panel for each cell: a marker for each arm, with its interval, on a logarithmic axis around 1."""
    metric = METRICS[VIEWS[cells[0].workload].compared]
    heights = [max(2, len(cell.arms)) for cell in cells]
    figure = _page(1.0 + sum(0.22 * height + 0.6 for height in heights))
    panels = figure.subplots(len(cells), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    better = "less" if metric.lower_is_better else "more"
    figure.suptitle(f"{cells[0].workload}: {metric.noun} as a ratio to the reference ({better} is better)\n{RANGE}")
    for axes, cell in zip(panels, cells, strict=True):
        for place, arm in enumerate(cell.arms):
            found = estimates.compare(results, cell, arm)
            if found is None:
                continue
            low, high = found.low or found.ratio, found.high or found.ratio
            is_reference = arm == cell.reference
            axes.errorbar(
                found.ratio,
                place,
                xerr=[[max(0.0, found.ratio - low)], [max(0.0, high - found.ratio)]],
                marker="|" if is_reference else "o",
                markerfacecolor=COLOURS[5] if found.is_sure else "white",
                color=COLOURS[0] if is_reference else COLOURS[5],
                capsize=3,
            )
        axes.axvline(1.0, color="#888888", linewidth=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_plain)
        axes.xaxis.set_minor_formatter(_plain)
        axes.tick_params(axis="x", which="both", labelsize=7)
        axes.set_yticks(range(len(cell.arms)), cell.arms)
        axes.invert_yaxis()
        axes.set_title(f"{cell}; reference {cell.reference}; hollow: no difference seen", loc="left", fontsize=8)
        axes.grid(axis="x", which="both", linewidth=0.3)
    panels[-1].set_xlabel("x the reference (logarithmic)")
    return figure


def _latency(results: Results, cell: Cell, styles: dict[str, int]) -> Figure:
    """How many requests took longer than so long, over all rounds: the tail is where the arms differ."""
    figure, axes = _empty()
    for arm in cell.arms:
        merged = histogram.merge(sample.latencies for sample in results.of(cell, arm))
        total = sum(merged.values())
        if not total:
            continue
        times_us, shares, seen = [], [], 0
        for number, count in sorted(merged.items()):
            times_us.append(histogram.middle_ns(number) / 1000)
            shares.append(1 - seen / total)
            seen += count
        axes.plot(
            times_us, shares, label=arm, marker=MARKERS[styles[arm] % len(MARKERS)], markevery=[], **_line(styles[arm])
        )
        for name, share in PERCENTILES.items():
            low, middle, high = _quartiles(results, cell, arm, METRICS[name])
            axes.errorbar(
                middle,
                1 - share,
                xerr=[[middle - low], [high - middle]],
                marker=MARKERS[styles[arm] % len(MARKERS)],
                color=COLOURS[styles[arm] % len(COLOURS)],
                markersize=4,
                capsize=3,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(TAIL, 1.0)
    axes.set_yticks([0.5, 0.1, 0.01, 0.001, TAIL], ["p50", "p90", "p99", "p99.9", "p99.99"])
    axes.xaxis.set_major_formatter(_plain)
    axes.set_xlabel("latency in us (logarithmic)")
    axes.set_ylabel("share of the requests that took longer (logarithmic)")
    axes.set_title(f"{cell}: latency, all rounds together\nmarkers: medians of the rounds, {QUARTILES}")
    _finish(axes)
    return figure


def _course(
    results: Results, cells: Sequence[Cell], places: Sequence[int], what: str, title: str, styles: dict[str, int]
) -> Figure:
    """A figure for each arm along one axis, with the quartiles of its rounds."""
    figure, axes = _empty()
    metric = METRICS["server_cpu_us"]
    for arm in dict.fromkeys(arm for cell in cells for arm in cell.arms):
        points = [
            (place, *_quartiles(results, cell, arm, metric))
            for cell, place in zip(cells, places, strict=True)
            if estimates.median(results.of(cell, arm), metric.name) is not None
        ]
        if len(points) > 1:
            xs, lows, middles, highs = zip(*points, strict=True)
            errors = [
                [middle - low for middle, low in zip(middles, lows, strict=True)],
                [high - middle for middle, high in zip(middles, highs, strict=True)],
            ]
            style = _line(styles[arm])
            axes.errorbar(xs, middles, yerr=errors, label=arm, capsize=3, marker=MARKERS[styles[arm] % 8], **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(places, [size_text(place) if "bytes" in what else f"{place:,}" for place in places])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(_plain)
    axes.yaxis.set_minor_formatter(_plain)
    axes.tick_params(axis="y", which="both", labelsize=7)
    axes.set_xlabel(f"{what} (logarithmic)")
    axes.set_ylabel("server CPU per message in us (logarithmic)")
    axes.set_title(f"{title}\nmarkers: medians of the rounds, {QUARTILES}")
    _finish(axes)
    return figure


def _memory(results: Results, cell: Cell, styles: dict[str, int]) -> Figure:
    """A bar for each arm."""
    figure, axes = _empty()
    metric = METRICS["per_connection_bytes"]
    arms = [arm for arm in cell.arms if estimates.median(results.of(cell, arm), metric.name) is not None]
    for place, arm in enumerate(arms):
        low, middle, high = _quartiles(results, cell, arm, metric)
        axes.barh(
            place,
            middle,
            xerr=[[middle - low], [high - middle]],
            color=COLOURS[styles[arm] % 8] if styles[arm] % 8 else "#999999",
            hatch=HATCHES[styles[arm] % 8],
            edgecolor="black",
            capsize=3,
        )
        axes.annotate(
            metric.text(middle * metric.divisor), (high, place), (8, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(arms)), arms)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(f"KiB of resident memory per connection ({KIB} bytes each), the kernel's buffers apart")
    axes.set_title(f"Memory per connection, with {cell.connections:,}\nbars: medians of the rounds, {QUARTILES}")
    axes.grid(axis="x", linewidth=0.3)
    return figure


def _quartiles(results: Results, cell: Cell, arm: str, metric: Metric) -> tuple[float, float, float]:
    """The quartiles of the rounds in the unit of the metric's title."""
    values = [estimates.value_of(sample, metric.name) for sample in results.of(cell, arm)]
    low, middle, high = estimates.quartiles([value for value in values if value is not None])
    return low / metric.divisor, middle / metric.divisor, high / metric.divisor


def _line_of(cells: Sequence[Cell], held: Callable[[Cell], int], varied: Callable[[Cell], int]) -> list[Cell]:
    """The cells that only differ in one parameter: those of the value of the other that most have."""
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(held(cell), []).append(cell)
    return max((sorted(group, key=varied) for group in groups.values()), key=lambda group: len(group), default=[])


def _empty() -> tuple[Figure, Axes]:
    figure = _page(5.5)
    return figure, figure.subplots()


def _page(height_inches: float) -> Figure:
    """An empty figure with room for the caption at its foot."""
    layout = ConstrainedLayoutEngine(rect=(0, FOOT_INCHES / height_inches, 1, 1 - FOOT_INCHES / height_inches))
    return Figure(figsize=(WIDTH_INCHES, height_inches), layout=layout)


def _line(place: int) -> dict[str, Any]:
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place % len(DASHES)], "linewidth": 1.4}


def _finish(axes: Axes) -> None:
    axes.grid(which="major", linewidth=0.3)
    axes.legend(fontsize=7)


def _plain(value: float, _: object) -> str:
    """A tick as people write it: 0.5, 1, 20, 3,000."""
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def _caption(results: Results) -> str:
    rounds = max((sample.round for sample in results.samples), default=0)
    return textwrap.fill(f"{rounds} rounds; {environment.summary(results.environment)}", CAPTION_CHARACTERS)
