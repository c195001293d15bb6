"""The benchmark as Markdown: for a pull request, a file, and a terminal without rich."""

from collections.abc import Iterable, Iterator

from comparison.bench import environment, meaning, noise
from comparison.bench.plan import Results
from comparison.bench.views import tables
from comparison.bench.views.tables import Table


def render(results: Results) -> str:
    """The whole view."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield "# What it costs"
    yield ""
    yield environment.summary(results.environment)
    yield ""
    if results.interrupted:
        yield "**Interrupted: this is what was measured until then.**"
        yield ""
    yield from _paragraphs("## What this means", meaning.sentences(results))
    for section in tables.sections(results):
        yield f"## {section.title}"
        yield ""
        for table in section.tables:
            yield f"### {table.title}"
            yield ""
            yield from _table(table)
            yield ""
    yield from _paragraphs("## What to doubt", [*noise.advice(results), *results.notes])
    yield from _paragraphs("## How to read it", tables.legend(results))


def _table(table: Table) -> Iterator[str]:
    yield row(["", *table.heads])
    yield row(["---", *["---:"] * len(table.heads)])
    yield from (row([one.label, *one.figures]) for one in table.rows)


def _paragraphs(title: str, texts: Iterable[str]) -> Iterator[str]:
    found = [f"- {text}." if not text.endswith(".") else f"- {text}" for text in texts]
    if found:
        yield from (title, "", *found, "")


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
