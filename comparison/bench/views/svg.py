"""Charts as SVG, made of nothing but text. The same bytes stand in a page, whose colours they take in both schemes, and
in a file of their own, where they bring these colours along.

Lines are told apart by colours that the colour-blind tell apart (Okabe and Ito, "Color Universal Design", 2008), by
dashes, and by the label at their end.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 800
LEFT, RIGHT = 250, 520
"""Where the labels of dots end, and where their values begin."""

ROW, HEAD, FOOT = 22, 48, 30
LETTER = 6.5
"""About what a letter of a title takes."""

STYLE = """
.bench{--i:var(--ink,#1b1c1a);--q:var(--quiet,#575851);--r:var(--rule,#d9d8cf);--s:var(--sheet,#fff);
font:12px system-ui,sans-serif}
@media(prefers-color-scheme:dark){.bench{--i:var(--ink,#e9e8e1);--q:var(--quiet,#b0afa5);--r:var(--rule,#3a3b36);
--s:var(--sheet,#1c1d1a)}}
.bench .sheet{fill:var(--s)}.bench text{fill:var(--i)}.bench .title{font-weight:600}.bench .quiet{fill:var(--q)}
.bench .end{text-anchor:end}.bench .middle{text-anchor:middle}.bench .grid{stroke:var(--r)}
.bench .one{stroke:var(--q);stroke-dasharray:4 3}.bench .range{stroke:#0072b2;stroke-width:2}.bench .dot{fill:#0072b2}
.bench .unknown{fill:var(--s);stroke:#0072b2;stroke-dasharray:2 2}.bench .line{fill:none;stroke-width:1.6}
.bench .c0{stroke:#0072b2}.bench .c1{stroke:#d55e00}.bench .c2{stroke:#009e73}.bench .c3{stroke:#cc79a7}
.bench .d1{stroke-dasharray:7 3}.bench .d2{stroke-dasharray:2 3}
"""
COLOURS, DASHES = 4, 3

Point = tuple[float, float]


@dataclass(frozen=True)
class Dot:
    """One row: a value with its interval, and both in words. Without an interval nobody knows how sure it is, and
    without a value nothing is known."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str


class Axis:
    """Where values stand between two places, logarithmic or not, and where its ticks are."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, log: bool) -> None:
        self._log = log
        low, high = min(values), max(values)
        if low == high:
            low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
        self._low, self._high = self._scaled(low), self._scaled(high)
        self._start, self._end = start, end
        self.ticks = [tick for tick in self._ticks(low, high) if low <= tick <= high]

    def at(self, value: float) -> float:
        share = (self._scaled(value) - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self._log else value

    def _ticks(self, low: float, high: float) -> list[float]:
        if self._log:
            first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
            return [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
        step = 10.0 ** math.floor(math.log10((high - low) / 2))
        return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def dots(title: str, note: str, rows: Sequence[Dot]) -> str:
    """A row for each dot on one logarithmic axis, with a line at 1."""
    values = [value for row in rows for value in (row.value, row.low, row.high) if value is not None]
    axis = Axis([*values, 1.0], LEFT + 20, RIGHT - 20, log=True)
    titles = _wrapped(title)
    head = HEAD + 16 * (len(titles) - 1)
    foot = head + ROW * len(rows)
    parts = [f'<line class="one" x1="{axis.at(1.0)}" x2="{axis.at(1.0)}" y1="{head - 8}" y2="{foot}"/>']
    for number, row in enumerate(rows):
        y = head + ROW * number + 6
        parts += [_text(LEFT, y + 4, row.label, "end"), _text(RIGHT, y + 4, row.text)]
        if row.value is None:
            parts.append(_text(axis.at(1.0), y + 4, "?", "middle quiet"))
            continue
        if row.low is not None and row.high is not None:
            parts.append(f'<line class="range" x1="{axis.at(row.low)}" x2="{axis.at(row.high)}" y1="{y}" y2="{y}"/>')
        kind = "unknown" if row.low is None else "dot"
        parts.append(f'<circle class="{kind}" cx="{axis.at(row.value)}" cy="{y}" r="4"/>')
    parts += [_text(axis.at(tick), foot + 14, f"{tick:g}", "middle quiet") for tick in axis.ticks]
    parts.append(_text(RIGHT, foot + 14, note, "quiet"))
    return _svg(title, titles, foot + FOOT, parts)


def curves(
    title: str, x_title: str, lines: Mapping[str, Sequence[Point]], *, log: bool = False, high: int = 240
) -> str:
    """A line for each series, with its label at its end. `log` is of the x axis."""
    known = {label: points for label, points in lines.items() if points}
    titles = _wrapped(title)
    head, foot = HEAD + 16 * (len(titles) - 1), HEAD + high
    parts = []
    if known:
        across = Axis([x for points in known.values() for x, _ in points], 70, RIGHT, log=log)
        down = Axis([0.0, *(y for points in known.values() for _, y in points)], foot, head, log=False)
        for tick in down.ticks:
            parts.append(f'<line class="grid" x1="70" x2="{RIGHT}" y1="{down.at(tick)}" y2="{down.at(tick)}"/>')
            parts.append(_text(64, down.at(tick) + 4, f"{tick:,.6g}", "end quiet"))
        parts += [_text(across.at(tick), foot + 16, f"{tick:,g}", "middle quiet") for tick in across.ticks]
        lowest = foot + 0.0
        for label, points in sorted(known.items(), key=lambda item: item[1][-1][1]):
            number = list(known).index(label)
            style = f"c{number % COLOURS} d{number // COLOURS % DASHES}"
            path = " ".join(f"{across.at(x)},{down.at(y)}" for x, y in points)
            lowest = min(down.at(points[-1][1]), lowest)
            parts.append(f'<polyline class="line {style}" points="{path}"/>')
            parts.append(f'<line class="line {style}" x1="{RIGHT + 4}" x2="{RIGHT + 24}" y1="{lowest}" y2="{lowest}"/>')
            parts.append(_text(RIGHT + 28, lowest + 4, label))
            lowest -= 14
    parts.append(_text(RIGHT + 28, foot + 16, x_title, "quiet"))
    return _svg(title, titles, foot + FOOT, parts)


def stacked(charts: Iterable[str]) -> str:
    """Several charts below one another as one."""
    parts, height = [], 0
    for chart in charts:
        parts.append(chart.replace("<svg ", f'<svg y="{height}" ', 1))
        height += int(chart.partition(' height="')[2].partition('"')[0])
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">{"".join(parts)}</svg>\n'


def _svg(name: str, titles: Sequence[str], height: int, parts: Iterable[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = [_text(12, 20 + 16 * number, line, "title") for number, line in enumerate(titles)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="bench" {size} role="img" aria-label="{escape(name)}">',
            f'<style>{STYLE.strip()}</style><rect class="sheet" width="{WIDTH}" height="{height}" rx="4"/>',
            *head,
            *parts,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    chosen = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{chosen}>{escape(text, quote=False)}</text>'


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, int((WIDTH - 24) / LETTER))
