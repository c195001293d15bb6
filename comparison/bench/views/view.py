"""The benchmark as a person reads it, in blocks that are drawn as text or as Markdown."""

from collections.abc import Iterable, Iterator

from comparison.bench import environment, meaning, noise
from comparison.bench.plan import Results
from comparison.bench.views import tables
from comparison.layout import BLANK, Block, Heading, Line, Table


def blocks(results: Results) -> Iterator[Block]:
    """The whole view: what it means for a choice, the tables, and what to doubt in them."""
    yield Line("What it costs", "title")
    yield BLANK
    yield Line(environment.summary(results.environment), "dim")
    if results.interrupted:
        yield Line("Interrupted: this is what was measured until then.", "bold")
    yield from _list("What this means", meaning.sentences(results))
    for section in tables.sections(results):
        yield Heading(section.title)
        for table in section.tables:
            yield Heading(table.title, 3)
            rows = [[(text, row.style) for text in (row.label, *row.figures)] for row in table.rows]
            yield Table(["", *table.heads], rows)
    yield from _list("What to doubt", [*noise.advice(results), *results.notes])
    yield from _list("How to read it", tables.legend(results))


def _list(title: str, texts: Iterable[str]) -> Iterator[Block]:
    found = [text if text.endswith(".") else f"{text}." for text in texts]
    if found:
        yield Heading(title)
    yield from (Line(text, "item", mark="-") for text in found)
