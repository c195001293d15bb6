"""The comparison as a person reads it, in the terminal, in a file and in a pull request: a sentence, the matrix or the
scenarios, the causes; and on request all logs. And the options that say how it is shown."""

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator

from comparison import files, layout
from comparison.layout import BLANK, GAP, Beside, Block, Code, Command, Heading, Line, Span, Table
from comparison.model import PARTS, SIDES, CannotCompare, Comparison, Endpoint, Survey, Verdict, worst
from comparison.report import causes, export, levels, repeat, sentence, words

EPILOG = "Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble."

LOGS = "The logs with chunks joined and ports replaced; at the end what its cause goes by."
MORE = "More: --diff has the logs line by line, --raw as they came, and explain NAME tells of a cause."
MORE_OF_ALL = "More: --scenario NAME has the matrix of one of them, and explain NAME tells of a cause."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options that say how a survey is shown, and where to."""
    add = parser.add_argument
    add("--diff", action="store_true", help="show what sets the logs apart, line by line, too")
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=files.target, metavar="FILE", help="write there instead of standard output")


def check(options: argparse.Namespace) -> None:
    """Refuse what changes nothing, before anything is run. Raises CannotCompare."""
    for name in ("diff", "raw"):
        if getattr(options, name) and options.format == "json":
            raise CannotCompare(f"--{name} changes nothing for --format json, which holds every log; leave it out")


def write(survey: Survey, options: argparse.Namespace, rows: bool = True) -> None:
    """Write a survey as the options say; without `rows` where the terminal has shown those of its scenarios."""
    rows = rows or options.format != "text" or options.output is not None or not sys.stdout.isatty()
    view = blocks(survey, diff=options.diff, raw=options.raw, rows=rows)
    layout.write(export.to_json(survey) if options.format == "json" else view, options.format, options.output)
    if options.format == "text" and importlib.util.find_spec("rich") is None:
        print("compare.py: for colour: pip install rich", file=sys.stderr)


def blocks(survey: Survey, *, diff: bool = False, raw: bool = False, rows: bool = True) -> Iterator[Block]:
    """The whole view. `diff` adds what sets logs apart, `raw` the logs as they came; `rows` are those of scenarios."""
    first, several = survey.comparisons[0], len(survey.comparisons) > 1
    yield from (Line(sentence.of(survey), "title"), BLANK)
    versions = (f"{name} {version}".strip() for name, version in first.environment.items())
    yield from (Line(words.title(survey), "dim"), Line(", ".join(versions), "dim"))
    if not several:
        yield from (BLANK, _matrix(first), *_legend(filter(survey.count, Verdict)))
    elif rows:
        table = Table(["scenario", *PARTS.values(), "time", "causes"], [_row(one) for one in survey.comparisons])
        yield from (BLANK, table, *_legend(Verdict))
    if troubles := words.troubles(*survey.comparisons):
        yield from (BLANK, *troubles)
    yield from _causes(survey)
    yield from levels.blocks(survey) if several else ()
    for comparison in survey.comparisons:
        yield from _differences(comparison) if diff else ()
        yield from _logs(comparison) if raw else ()
    yield BLANK
    yield from (Line(f"Note: {note}", "note") for note in first.notes)
    yield from (Line(words.closing(survey), "bold"), Line(MORE_OF_ALL if several else MORE, "hint"))
    yield Command("Next", repeat.next_step(survey))


def _row(comparison: Comparison) -> list[Span]:
    style = str(worst(cell.verdict for cell in comparison.cells))
    counts = [{sign: comparison.count(v, part) for v, sign in words.SYMBOLS.items()} for part in PARTS]
    signs = [(" ".join(f"{sign}{number}" for sign, number in each.items() if number), style) for each in counts]
    took, names = layout.duration(comparison.duration_s), " ".join(words.done_by(comparison))
    return [(words.name(comparison), "bold"), *signs, (took, ""), (names, "")]


def _legend(verdicts: Iterable[Verdict]) -> Iterator[Block]:
    for verdict in verdicts:
        yield Line(f"{verdict}: {words.MEANINGS[verdict]}", "dim", words.SYMBOLS[verdict])


def _matrix(comparison: Comparison) -> Table:
    """Servers down, clients across. Where the words do not fit: signs, and numbers for the clients."""

    def row(server: Endpoint, short: bool = False) -> list[Span]:
        cells = [comparison.cell(server, client) for client in comparison.clients]
        return [(server.label, "bold"), *((words.cell(comparison, cell, short), str(cell.verdict)) for cell in cells)]

    corner, clients = "server / client", [client.label for client in comparison.clients]
    numbered = {str(number): Line(f"client {client}", "dim", str(number)) for number, client in enumerate(clients, 1)}
    short = Table([corner, *numbered], [row(server, short=True) for server in comparison.servers])
    heads = [client.replace("/", "/\n") for client in clients]
    return Table([corner, *heads], list(map(row, comparison.servers)), [short, *numbered.values()])


def _causes(survey: Survey) -> Iterator[Block]:
    """Each cause by name: what predicts it, what it means, and its lines."""
    several = len(survey.comparisons) > 1
    for card in causes.collect(survey):
        comparison, cause = card.seen[0]
        yield from (BLANK, Line(f"{cause.name}: {causes.title(cause)}", "bold"))
        told = [f"{cause.finding}.", causes.meaning(cause), causes.seen_in(card) if several else ""]
        yield from (Line(text, indent=GAP) for text in told if text)
        for title, lines in causes.lines_of(comparison, cause):
            yield Line(title + ("" if lines else ": likewise"), "dim", indent=GAP)
            yield from [Code(lines, "diff")] if lines else ()
        if cause.is_failure and several:
            yield Command(f"{GAP}By itself", repeat.compare(comparison, "--raw"))


def _differences(comparison: Comparison) -> Iterator[Block]:
    """What must hold, and for each side the logs that are alike, with what sets them apart from the reference's."""
    yield Heading(f"What differs in {words.name(comparison)}")
    yield from (Line(words.expectation(comparison.scenario)), Line(LOGS))
    for group in comparison.groups:
        log = words.log_of(comparison, group)
        if any(d.sign != " " for d in group.diff):
            lines = [f"{d.sign}{d.text}" + f"   [{' '.join(d.causes)}]" * bool(d.causes) for d in group.diff]
            yield from (BLANK, Line(log), Code(lines, "diff"))
        elif group.pairings:
            yield from (BLANK, Line(f"{log}: the same"))


def _logs(comparison: Comparison) -> Iterator[Block]:
    yield Heading(f"Logs of {words.name(comparison)}, as they came")
    for cell in comparison.cells:
        for run in cell.runs:
            logs = [[event.plain for event in run.log(side).events] for side in SIDES]
            yield from (BLANK, Line(f"{run}", "bold"), Beside(SIDES, logs))
