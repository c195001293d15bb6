"""Charts as SVG. The same bytes stand in a page, whose colours they take in both schemes, and in a file of their own,
where they bring these colours along. Lines are told apart by colours that the colour-blind tell apart (Okabe and Ito,
"Color Universal Design", 2008), by dashes, and by the label at their end.
"""

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from comparison.bench.estimates import Estimate

WIDTH = 800
LEFT, RIGHT = 250, 520  # where the labels of dots end, and where their values begin
ROW, HEAD, FOOT, HIGH = 22, 48, 30, 240

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


def dots(title: str, rows: Mapping[str, Estimate | None]) -> str:
    """A row for each ratio on one logarithmic axis, with a line at 1; the first one is the reference. Without an
    interval nobody knows how sure it is, and without an estimate nothing is known."""
    values = [value for one in rows.values() if one is not None for value in (one.ratio, one.low, one.high)]
    known = [1.0, *(value for value in values if 0 < value < math.inf)]
    at, ticks = _axis(known, LEFT + 20, RIGHT - 20, log=True)
    foot = HEAD + ROW * len(rows)
    parts = [_line("one", at(1.0), HEAD - 8, at(1.0), foot)]
    for number, (label, found) in enumerate(rows.items()):
        y = HEAD + ROW * number + 6
        parts.append(_text(LEFT, y + 4, label, "end"))
        if found is None:
            parts += [_text(at(1.0), y + 4, "?", "middle quiet"), _text(RIGHT, y + 4, "not known")]
            continue
        if found.has_interval:
            parts.append(_line("range", at(found.low), y, at(found.high), y))
        kind = "dot" if found.has_interval or not number else "unknown"
        parts.append(f'<circle class="{kind}" cx="{at(found.ratio)}" cy="{y}" r="4"/>')
        parts.append(_text(RIGHT, y + 4, f"{found}, {found.interval}" if number else "1, the reference"))
    parts += [_text(at(tick), foot + 14, f"{tick:g}", "middle quiet") for tick in ticks]
    return _svg(title, foot + FOOT, [*parts, _text(RIGHT, foot + 14, "lines: 95 % interval", "quiet")])


def curves(title: str, x_title: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """A line for each series over a logarithmic axis, with its label at its end."""
    foot = HEAD + HIGH
    lowest = foot + 0.0
    parts = [_text(RIGHT + 28, foot + 16, x_title, "quiet")]
    across, x_ticks = _axis([x for points in lines.values() for x, _ in points], 70, RIGHT, log=True)
    down, y_ticks = _axis([0.0, *(y for points in lines.values() for _, y in points)], foot, HEAD, log=False)
    for tick in y_ticks:
        parts.append(_line("grid", 70, down(tick), RIGHT, down(tick)))
        parts.append(_text(64, down(tick) + 4, f"{tick:,.6g}", "end quiet"))
    parts += [_text(across(tick), foot + 16, f"{tick:,g}", "middle quiet") for tick in x_ticks]
    for label, points in sorted(lines.items(), key=lambda item: item[1][-1][1]):
        number = list(lines).index(label)
        style = f"line c{number % COLOURS} d{number // COLOURS % DASHES}"
        path = " ".join(f"{across(x)},{down(y)}" for x, y in points)
        end = min(down(points[-1][1]), lowest)
        parts.append(f'<polyline class="{style}" points="{path}"/>')
        parts += [_line(style, RIGHT + 4, end, RIGHT + 24, end), _text(RIGHT + 28, end + 4, label)]
        lowest = end - 14
    return _svg(title, foot + FOOT, parts)


def _axis(values: Sequence[float], start: float, end: float, log: bool) -> tuple[Callable[[float], float], list[float]]:
    """Where a value stands between two places, logarithmic or not, and where the ticks are."""
    low, high = min(values), max(values)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
    scaled: Callable[[float], float] = math.log if log else float
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    else:
        step = 10.0 ** math.floor(math.log10((high - low) / 2))
        ticks = [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]

    def at(value: float) -> float:
        share = (scaled(value) - scaled(low)) / (scaled(high) - scaled(low))
        return round(start + share * (end - start), 1)

    return at, [tick for tick in ticks if low <= tick <= high]


def _svg(title: str, height: int, parts: Iterable[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="bench" {size} role="img" aria-label="{escape(title)}">'
    sheet = f'<style>{STYLE.strip()}</style><rect class="sheet" width="{WIDTH}" height="{height}" rx="4"/>'
    titles = (_text(12, 16 + 15 * row, line, "title") for row, line in enumerate(textwrap.wrap(title, 120)))
    return "\n".join([head, sheet, *titles, *parts, "</svg>\n"])


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    chosen = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{chosen}>{escape(text, quote=False)}</text>'
