"""The comparison in a terminal, with rich."""

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from comparison.console import show as on_console
from comparison.model import PARTS, SIDES, Cause, Comparison, Part, Survey, Verdict
from comparison.report import repeat, words

STYLES = {
    Verdict.SKIPPED: "dim",
    Verdict.REFERENCE: "bold",
    Verdict.IDENTICAL: "green",
    Verdict.ALIKE: "green",
    Verdict.EXPLAINED: "cyan",
    Verdict.DIFFERENT: "bold yellow",
    Verdict.FAILED: "bold red",
}
COLUMN_WIDTH = 14
"""What a column of the matrix takes with a verdict in words."""

NAME_WIDTH = 20
"""What the name of a scenario takes at least: it is what one types."""

SIGN_STYLES = {"+": "green", "-": "red", " ": "dim"}


def show(survey: Survey, file: TextIO, raw: bool = False) -> None:
    """Write the whole view: one comparison line by line, several as an overview. `raw` adds the logs of each pairing
    side by side, as they came."""
    on_console(file, lambda console: _show(console, survey, raw))


def _show(console: Console, survey: Survey, raw: bool) -> None:
    if len(survey.comparisons) == 1:
        _show_one(console, survey.comparisons[0], raw)
    else:
        _show_overview(console, survey)
    console.print(Text(words.closing(survey), style="bold"))
    _command(console, "Next", repeat.next_step(survey))


def _show_one(console: Console, comparison: Comparison, raw: bool) -> None:
    _head(console, words.title(comparison), comparison)
    console.print(Text(f"Must hold for everybody: {'; '.join(words.expectation(comparison.scenario))}."))
    console.print()
    console.print(Text("Servers down, clients across"))
    console.print(_matrix(comparison, console.width))
    console.print(Text(f"Reference: {comparison.reference}", style="dim"))
    for line in words.two_verdicts(comparison):
        console.print(Text(line, style="dim"))
    _told(console, words.legend([comparison]), "dim")
    _told(console, words.troubles(comparison))
    _told(console, words.skipped([comparison]))
    if comparison.groups:
        _heading(console, "What differs")
        console.print(Text(" ".join(filter(None, [words.LOGS, words.not_compared(comparison.scenario)])), style="dim"))
    for side in words.sides_to_show(comparison):
        console.print(Text(words.alike(comparison, side), style="dim"))
        for group in words.changed(comparison, side):
            console.print(Text(words.group_title(comparison, group)))
            console.print(Padding(_diff(group.diff), (0, 0, 1, 2), expand=False))
    _causes(console, [(cause, "", "") for cause in comparison.causes])
    if raw:
        _heading(console, "Logs: server and client, as they came")
        for cell in comparison.cells:
            for run in cell.runs:
                console.print(Text(f"{run}", style="bold"))
                console.print(_side_by_side([words.plain_log(run, side) for side in SIDES]))
    _notes(console, comparison)


def _show_overview(console: Console, survey: Survey) -> None:
    _head(console, words.survey_title(survey), survey.comparisons[0])
    console.print()
    table = Table(box=box.ROUNDED)
    table.add_column("scenario", overflow="fold", min_width=NAME_WIDTH)
    for heading in ("over", *PARTS.values(), "causes"):
        table.add_column(heading, overflow="fold")
    table.add_column("s", justify="right")
    for comparison in survey.comparisons:
        letters = " ".join(cause.letter for cause in comparison.causes)
        table.add_row(
            Text(comparison.scenario.name, style="bold"),
            comparison.transport.name,
            *(_signs(comparison, part) for part in PARTS),
            letters,
            f"{comparison.duration_s:.1f}",
        )
    console.print(table)
    _told(console, words.legend(survey.comparisons), "dim")
    for comparison in survey.comparisons:
        if words.troubles(comparison):
            console.print()
            console.print(Text(f"{words.name(comparison)}: {comparison.scenario.description}", style="bold"))
            _told(console, words.troubles(comparison))
    console.print()
    _told(console, words.skipped(survey.comparisons))
    causes = words.all_causes(survey)
    _causes(console, [(cause, words.seen_in(survey, cause), repeat.by_itself(survey, cause)) for cause in causes])
    _notes(console, survey.comparisons[0])


def _signs(comparison: Comparison, part: Part) -> Text:
    """How often each verdict on one of the two questions, in its colour."""
    text = Text()
    for verdict in Verdict:
        if count := comparison.count(verdict, part):
            text.append(f"{words.SYMBOLS[verdict]}{count} ", style=STYLES[verdict])
    return text


def _head(console: Console, title: str, comparison: Comparison) -> None:
    console.print(Text(title, style="bold"))
    console.print(Text(words.environment(comparison), style="dim"))


def _told(console: Console, lines: Iterable[words.Told], style: str | None = None) -> None:
    """Lines with the sign of a verdict, and in its colour where no other is wanted."""
    for verdict, line in lines:
        console.print(Text(f"{words.SYMBOLS[verdict]} {line}", style=style or STYLES[verdict]))


def _causes(console: Console, causes: Sequence[tuple[Cause, str, str]]) -> None:
    if causes:
        _heading(console, "Causes")
    for cause, where, command in causes:
        console.print(Text.assemble((f"{cause.letter}  ", "bold"), (words.cause_title(cause), "bold")))
        lines = filter(None, [*words.cause_text(cause), where])
        console.print(Padding(Group(*(Text(line) for line in lines)), (0, 0, 0, 3), expand=False))
        if command:
            _command(console, "   By itself", command)
        console.print()


def _command(console: Console, what: str, command: str) -> None:
    """In one line, however long: a command that was broken cannot be copied."""
    console.print(Text(f"{what}: {command}"), soft_wrap=True)


def _notes(console: Console, comparison: Comparison) -> None:
    for note in comparison.notes:
        console.print(Text(f"Note: {note}", style="yellow"))


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


def _diff(diff: Iterable[tuple[str, str, Iterable[str]]]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for sign, line, letters in diff:
        style = SIGN_STYLES[sign]
        table.add_row(Text(sign, style=style), Text(line, style=style), Text(" ".join(letters), style="bold"))
    return table


def _side_by_side(logs: list[list[str]]) -> RenderableType:
    table = Table(*SIDES, box=box.SIMPLE_HEAD, expand=True)
    for column in table.columns:
        column.overflow = "fold"
        column.ratio = 1
    table.add_row(*(Text("\n".join(log)) for log in logs))
    return table
