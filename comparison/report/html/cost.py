"""The cost part of the page: everything that it takes from the benchmark passes here."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

from comparison import files
from comparison.bench import environment, meaning, noise, results
from comparison.bench.views import charts, tables

WANTED = results.WANTED


@dataclass(frozen=True)
class Cost:
    """What a benchmark has to say; the charts are SVG, each with what it shows."""

    environment: str
    sentences: tuple[str, ...]
    doubts: tuple[str, ...]
    legend: tuple[str, ...]
    sections: tuple[tables.Section, ...]
    charts: tuple[tuple[str, str], ...]


def is_benchmark(text: bytes) -> bool:
    """Whether this was written by the benchmark, and not by a comparison."""
    try:
        document = files.parse(text)
    except ValueError:
        return False
    return isinstance(document, dict) and {"arms", "samples"} <= document.keys()


def load(text: bytes, name: str) -> Cost:
    """Read what the benchmark has saved, and have it make its tables, sentences and charts. Raises CannotCompare."""
    found = results.from_json(text, name)
    return Cost(
        environment=environment.summary(found.environment),
        sentences=_sentences(meaning.sentences(found)),
        doubts=_sentences([*noise.advice(found), *found.notes]),
        legend=_sentences(tables.legend(found)),
        sections=tuple(tables.sections(found)),
        charts=tuple((_shown(chart), chart) for _, chart in charts.draw(found)),
    )


def _shown(chart: str) -> str:
    """What a chart shows, in the words that it has for those who cannot see it."""
    return html.unescape(chart.partition(' aria-label="')[2].partition('"')[0])


def _sentences(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text if text.endswith(".") else f"{text}." for text in texts)
