"""The cost part of the page: everything that it takes from the benchmark passes here.

The benchmark is a part of its own; the page is made without it where it is not there or nothing was measured.
"""

import importlib
import importlib.util
import tempfile
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison import files
from comparison.model import CannotCompare

BENCH = "comparison.bench"
WANTED = "a file that bench --save has written"

SAFE = " =:/,;()+-_.'"
"""What may stand as it is in an address that holds an SVG."""


@dataclass(frozen=True)
class Chart:
    """A picture: what it shows, and its address, which holds the picture itself."""

    title: str
    address: str


@dataclass(frozen=True)
class Table:
    """Heads and rows of texts; the first of each row is its head."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Cost:
    """What a benchmark has to say."""

    environment: str
    sentences: tuple[str, ...]
    doubts: tuple[str, ...]
    legend: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Table, ...]], ...]
    charts: tuple[Chart, ...]
    missing: str
    """Why there are no charts, with the remedy; empty where there are."""


def is_benchmark(text: bytes) -> bool:
    """Whether this was written by the benchmark, and not by a comparison."""
    try:
        document = files.parse(text)
    except ValueError:
        return False
    return isinstance(document, dict) and {"arms", "samples"} <= document.keys()


def load(text: bytes, name: str, with_charts: bool = True) -> Cost:
    """Read what the benchmark has saved, and have it make its tables, sentences and charts. Raises CannotCompare."""
    if importlib.util.find_spec(BENCH) is None:
        raise CannotCompare(f"--bench {name!r}: this program has no benchmark; use a newer version of it")
    results = _module("results").from_json(text, name)
    tables = _module("views.tables")
    advice = [*_module("noise").advice(results), *results.notes]
    missing = ""
    if with_charts and importlib.util.find_spec("matplotlib") is None:
        missing = "matplotlib is not installed, so there are no charts; install it with: pip install '.[report]'"
    return Cost(
        environment=_module("environment").summary(results.environment),
        sentences=_sentences(_module("meaning").sentences(results)),
        doubts=_sentences(advice),
        legend=_sentences(tables.legend(results)),
        sections=tuple((s.title, tuple(_table(table) for table in s.tables)) for s in tables.sections(results)),
        charts=tuple(_charts(results)) if with_charts and not missing else (),
        missing=missing,
    )


def _module(name: str) -> Any:
    return importlib.import_module(f"{BENCH}.{name}")


def _sentences(texts: Any) -> tuple[str, ...]:
    return tuple(text if text.endswith(".") else f"{text}." for text in texts)


def _table(table: Any) -> Table:
    compared = (f"{table.compared}, x", "95 %", "differs") if table.compared else ()
    rows = (
        (row.label, *row.figures, *((row.ratio, row.interval, row.seen) if table.compared else ()))
        for row in table.rows
    )
    return Table(table.title, ("", *table.heads, *compared), tuple(rows))


def _charts(results: Any) -> Iterator[Chart]:
    """The charts as SVG inside of addresses: a page in a page, whose ids and styles stay its own."""
    import matplotlib

    with tempfile.TemporaryDirectory() as folder, matplotlib.rc_context({"svg.fonttype": "none"}):
        for path in _module("views.charts").draw(results, Path(folder)):
            if path.suffix == ".svg":
                text = urllib.parse.quote(" ".join(path.read_text(encoding="utf-8").split()), safe=SAFE)
                yield Chart(path.stem.replace("-", " "), f"data:image/svg+xml,{text}")
