"""The comparison as a person reads it, in the terminal, in a file and in a pull request: a sentence, the matrix or the
scenarios, the causes; and on request all logs."""

from collections.abc import Iterator, Sequence

from comparison import layout
from comparison.layout import BLANK, Block, Command, Heading, Line, Span, Table
from comparison.model import PARTS, SIDES, Comparison, Survey, worst
from comparison.report import levels, repeat, sentence, words


def blocks(survey: Survey, *, diff: bool = False, raw: bool = False, rows: bool = True) -> Iterator[Block]:
    """The whole view. `diff` adds what sets each group of logs apart, `raw` all logs as they came; `rows` are those of
    several scenarios."""
    yield Line(sentence.of(survey), "title")
    yield BLANK
    one = survey.comparisons[0] if len(survey.comparisons) == 1 else None
    yield from _one(one) if one is not None else _overview(survey, rows)
    yield from _causes(survey)
    yield from levels.blocks(survey) if one is None else ()
    for comparison in survey.comparisons:
        yield from _differences(comparison) if diff else ()
        yield from _logs(comparison) if raw else ()
    yield BLANK
    yield from (Line(f"Note: {note}", "note") for note in survey.comparisons[0].notes)
    yield Line(words.closing(survey), "bold")
    yield Line(words.MORE if one is not None else words.MORE_OF_ALL, "hint")
    yield Command("Next", repeat.next_step(survey))


def _one(comparison: Comparison) -> Iterator[Block]:
    yield from _head(words.title(comparison), comparison)
    yield BLANK
    yield _matrix(comparison)
    yield from _told(words.legend([comparison], parts=False), "dim")
    yield from _told([*words.troubles(comparison), *words.skipped([comparison])])


def _overview(survey: Survey, rows: bool) -> Iterator[Block]:
    first = survey.comparisons[0]
    times = f", {first.repeat} times each" if first.repeat > 1 else ""
    yield from _head(words.count(len(survey.comparisons), "scenario") + times, first)
    if rows:
        yield BLANK
        yield Table(["scenario", *PARTS.values(), "time", "causes"], [_row(one) for one in survey.comparisons])
        yield from _told(words.legend(survey.comparisons), "dim")
    for comparison in survey.comparisons:
        if troubles := words.troubles(comparison):
            yield from (BLANK, Line(f"{words.name(comparison)}: {comparison.scenario.description}", "bold"))
            yield from _told(troubles)
    if skipped := words.skipped(survey.comparisons):
        yield from (BLANK, *_told(skipped))


def _row(comparison: Comparison) -> list[Span]:
    duration, causes = layout.duration(comparison.duration_s), " ".join(words.done_by(comparison))
    style = str(worst(cell.verdict for cell in comparison.cells))
    signs = [(words.signs(comparison, part), style) for part in PARTS]
    return [(words.name(comparison), "bold"), *signs, (duration, ""), (causes, "")]


def _head(title: str, comparison: Comparison) -> Iterator[Block]:
    versions = (f"{name} {version}".strip() for name, version in comparison.environment.items())
    yield from (Line(title, "dim"), Line(", ".join(versions), "dim"))


def _told(lines: Sequence[words.Told], style: str = "") -> Iterator[Block]:
    """Lines with the sign of a verdict, and in its colour where no other is wanted."""
    return (Line(line, style or verdict, words.SYMBOLS[verdict]) for verdict, line in lines)


def _matrix(comparison: Comparison) -> Table:
    """Servers down, clients across. Where the words do not fit: signs, and numbers for the clients."""

    def table(heads: Sequence[str], short: bool, narrow: Sequence[Table | Line]) -> Table:
        rows = []
        for server in comparison.servers:
            cells = [comparison.cell(server, client) for client in comparison.clients]
            shown = [(words.cell(comparison, cell, short), str(cell.verdict)) for cell in cells]
            rows.append([(server.label, "bold"), *shown])
        return Table(["server / client", *heads], rows, narrow)

    clients = [client.label for client in comparison.clients]
    numbers = [str(number) for number in range(1, len(clients) + 1)]
    numbered = [Line(f"client {client}", "dim", number) for number, client in zip(numbers, clients, strict=True)]
    by_number = table(numbers, True, ())
    return table([client.replace("/", "/\n") for client in clients], False, [by_number, *numbered])


def _causes(survey: Survey) -> Iterator[Block]:
    """Each cause by name: what predicts it, what it means, and its lines."""
    several = len(survey.comparisons) > 1
    for cause in words.all_causes(survey):
        comparison = next(one for one in survey.comparisons if cause in one.causes)
        yield from (BLANK, Line(f"{cause.name}: {words.cause_title(cause)}", "bold"))
        told = [f"{cause.finding}.", words.meaning(cause), words.seen_in(survey, cause) if several else ""]
        yield from (Line(text, indent=layout.GAP) for text in told if text)
        for title, lines in words.lines_of(comparison, cause):
            if lines:
                yield from (Line(title, "dim", indent=layout.GAP), layout.Code(lines, "diff"))
            else:
                yield Line(f"{title}: likewise", "dim", indent=layout.GAP)
        if cause.is_failure and several:
            yield Command(f"{layout.GAP}By itself", repeat.compare(comparison, "--raw"))


def _differences(comparison: Comparison) -> Iterator[Block]:
    """What must hold, and for each side the logs that are alike, with what sets them apart from the reference's."""
    yield Heading(f"What differs in {words.name(comparison)}")
    yield Line(f"Must hold for everybody: {'; '.join(words.expectation(comparison.scenario))}.")
    yield Line(" ".join(filter(None, [words.LOGS, words.not_compared(comparison.scenario)])))
    for group in comparison.groups:
        lines = [f"{d.sign}{d.text}" + f"   [{' '.join(d.causes)}]" * bool(d.causes) for d in group.diff]
        if any(d.sign != " " for d in group.diff):
            yield from (BLANK, Line(words.log_of(comparison, group)), layout.Code(lines, "diff"))
        elif group.pairings:
            yield from (BLANK, Line(f"{words.log_of(comparison, group)}: the same"))


def _logs(comparison: Comparison) -> Iterator[Block]:
    yield Heading(f"Logs of {words.name(comparison)}, as they came")
    for cell in comparison.cells:
        for run in cell.runs:
            yield from (BLANK, Line(f"{run}", "bold"))
            yield layout.Beside(SIDES, [words.plain_log(run, side) for side in SIDES])
