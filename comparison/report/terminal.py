"""The comparison in a terminal, with rich. Colour only where it is wanted: NO_COLOR and a file are respected by
rich itself."""

from typing import TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from comparison.model import SIDES, Comparison, Verdict
from comparison.report import words

STYLES = {
    Verdict.IDENTICAL: "green",
    Verdict.EXPLAINED: "cyan",
    Verdict.DIFFERENT: "bold yellow",
    Verdict.FAILED: "bold red",
}
COLUMN_WIDTH = 14
"""What a column of the matrix takes with a verdict in words."""

SIGN_STYLES = {"+": "green", "-": "red", " ": "dim"}


def show(comparison: Comparison, file: TextIO, raw: bool = False) -> None:
    """Write the whole view; `raw` adds the logs of each pairing side by side, as they came."""
    console = Console(file=file, highlight=False)
    if console.is_terminal:
        _show(console, comparison, raw)
    else:
        with console.capture() as capture:
            _show(console, comparison, raw)
        file.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _show(console: Console, comparison: Comparison, raw: bool) -> None:
    console.print(Text(words.title(comparison), style="bold"))
    console.print(Text(words.environment(comparison), style="dim"))
    console.print()
    console.print(Text("Servers down, clients across"))
    console.print(_matrix(comparison, console.width))
    console.print(Text(f"Reference: {comparison.reference}", style="dim"))
    for line in words.legend(comparison):
        console.print(Text(line, style="dim"))
    for line in words.troubles(comparison):
        console.print(Text(line, style="bold red" if line.startswith("x") else "bold yellow"))
    _heading(console, "What differs")
    console.print(Text(words.LOGS, style="dim"))
    for side in SIDES:
        console.print(Text(words.alike(comparison, side), style="dim"))
        for group in words.changed(comparison, side):
            console.print(Text(words.group_title(comparison, group)))
            console.print(Padding(_diff(group.diff), (0, 0, 1, 2), expand=False))
    if comparison.causes:
        _heading(console, "Causes")
    for cause in comparison.causes:
        name = Text.assemble((f"{cause.letter}  ", "bold"), (words.cause_title(cause), "bold"))
        console.print(name)
        console.print(Padding(Group(*(Text(line) for line in words.cause_text(cause))), (0, 0, 1, 3), expand=False))
    if raw:
        _heading(console, "Logs: server and client, as they came")
        for cell in comparison.cells:
            for run in cell.runs:
                console.print(Text(f"{cell.pairing}, run {run.number}", style="bold"))
                console.print(_side_by_side([words.plain_log(run, side) for side in SIDES]))
    for note in comparison.notes:
        console.print(Text(f"Note: {note}", style="yellow"))
    console.print(Text(words.closing(comparison), style="bold"))


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _matrix(comparison: Comparison, width: int) -> RenderableType:
    """The matrix. Where the words would not fit: signs, which the legend explains, and numbers for the clients."""
    short = width < COLUMN_WIDTH * (len(comparison.clients) + 1)
    table = Table(box=box.ROUNDED)
    table.add_column("")
    for number, client in enumerate(comparison.clients, 1):
        table.add_column(str(number) if short else _breakable(client.label), no_wrap=short)
    for server in comparison.servers:
        cells = (comparison.cell(server, client) for client in comparison.clients)
        table.add_row(
            Text(_breakable(server.label), style="bold"),
            *(
                Text("\n".join(words.cell(cell, comparison.repeat, short)), style=STYLES[cell.verdict])
                for cell in cells
            ),
        )
    if not short:
        return table
    return Group(table, *(Text(f"{n}  client {client.label}") for n, client in enumerate(comparison.clients, 1)))


def _breakable(label: str) -> str:
    """A label takes a line for each of its parts: a matrix of four endpoints then fits 80 columns."""
    return label.replace("/", "/\n")


def _diff(diff: tuple[tuple[str, str, str], ...]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for sign, line, letters in diff:
        style = SIGN_STYLES[sign]
        table.add_row(Text(sign, style=style), Text(line, style=style), Text(letters, style="bold"))
    return table


def _side_by_side(logs: list[list[str]]) -> RenderableType:
    table = Table(*SIDES, box=box.SIMPLE_HEAD, expand=True)
    for column in table.columns:
        column.overflow = "fold"
        column.ratio = 1
    table.add_row(*(Text("\n".join(log)) for log in logs))
    return table
