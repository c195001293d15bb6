"""The benchmark in a terminal, with rich."""

from collections.abc import Iterable
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from comparison.bench import environment, meaning, noise
from comparison.bench.plan import Results
from comparison.bench.views import tables
from comparison.console import show as on_console

MIN_LABEL_WIDTH = 16
"""The longest name of an endpoint alone; that of a pairing takes two lines where it must."""


def show(results: Results, file: TextIO) -> None:
    """Write the whole view."""
    on_console(file, lambda console: _show(console, results))


def _show(console: Console, results: Results) -> None:
    console.print(Text("What it costs", style="bold"))
    console.print(Text(environment.summary(results.environment), style="dim"))
    if results.interrupted:
        console.print(Text("Interrupted: this is what was measured until then.", style="bold yellow"))
    _list(console, "What this means", meaning.sentences(results), "")
    for section in tables.sections(results):
        console.print()
        console.print(Text(section.title, style="bold underline"))
        for table in section.tables:
            console.print(Text(table.title, style="bold"))
            console.print(_table(table))
    _list(console, "What to doubt", [*noise.advice(results), *results.notes], "yellow")
    _list(console, "How to read it", tables.legend(results), "dim")


def _table(table: tables.Table) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), collapse_padding=True)
    shown.add_column("", overflow="fold", min_width=MIN_LABEL_WIDTH)
    for head in table.heads:
        shown.add_column(head, justify="right")
    for row in table.rows:
        style = "bold" if row.is_reference else "dim" if row.is_alike else ""
        shown.add_row(Text(row.label), *map(Text, row.figures), style=style)
    return shown


def _list(console: Console, title: str, texts: Iterable[str], style: str) -> None:
    found = list(texts)
    if found:
        console.print()
        console.print(Text(title, style="bold underline"))
    for text in found:
        console.print(Padding(Text(f"- {text}", style=style), (0, 0, 0, 1), expand=False))
