"""`compare.py explain`: its options, and a lesson on one cause: the code, what was told, when, and what to do. And
`compare.py --list`: who could take part in what, and everything about one of them."""

import argparse
import textwrap
from collections.abc import Iterator

from comparison import layout
from comparison.judge.catalogue import CATALOGUE
from comparison.layout import BLANK, Beside, Block, Command, Heading, Line, Span, Table
from comparison.model import SIDES, CannotCompare, Comparison, Explanation, Run, Side
from comparison.options import meant, unknown
from comparison.play.machine import JOBS
from comparison.play.transports import TRANSPORTS, half_closes
from comparison.report import causes, code, repeat, timeline, words
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import Selection, add_selection, chosen, trials
from comparison.transcript import is_connection

DESCRIPTION = "Tell of one cause of a difference, with an example from a run; without a name, list them all."
EPILOG = "Exit code: 0, 2 for trouble."

GROUPS: dict[tuple[Side, ...], str] = {
    SIDES: "A server with a client",
    ("server",): "A client with bad manners, or bad luck, with each server",
    ("client",): "A server with bad manners, or bad luck, with each client",
}
"""The scenarios by who is on trial."""

MOST_ROWS = 40
"""Lines of a timeline; --raw shows all."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of an explanation."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one; its beginning will do")
    add_selection(parser, "SERVER[,CLIENT]")


def run(options: argparse.Namespace) -> int:
    """Show the catalogue, or one entry of it with an example. Raises CannotCompare."""
    if options.name is None:
        names = [Line(f"{entry.name}: {entry.title}") for entry in CATALOGUE.values()]
        layout.write([*names, BLANK, Line("With code, logs and what to do: explain NAME", "hint")])
        return 0
    entry = CATALOGUE[meant("explain", options.name, CATALOGUE)]
    [trial] = trials([entry.scenario], None)
    if trial.skipped:
        raise CannotCompare(f"explain {entry.name}: its example cannot be run: {trial.skipped}")
    [comparison] = compare_all([outlined(chosen(options), trial)], jobs=JOBS)
    layout.write(lesson(entry, comparison))
    return 0


def lesson(entry: Explanation, comparison: Comparison) -> Iterator[Block]:
    """All there is to say of a cause."""
    yield Line(f"{entry.name}: {entry.title}", "title")
    yield from (BLANK, Line(entry.text), Line(f"Source: {entry.source}.", "dim"), BLANK)
    yield Line(f"Seen just now: {comparison.scenario.description}, over {comparison.transport.description}.")
    own = [cause for cause in comparison.causes if cause.explanation == entry]
    yield from (Line(f"{cause.finding}.") for cause in own)
    sides = (*comparison.scenario.on_trial, *SIDES)  # best in the log of an endpoint
    shown = [(cause, group) for side in sides for cause in own if (group := causes.clearest(comparison, cause, side))]
    if not shown:
        yield Line("These endpoints do not show it: choose more of them.")
    for cause, group in shown[:1]:
        pairings = (comparison.reference, group.pairings[0])
        ends = [pairing.end(group.side) for pairing in pairings]
        for label, parts in code.collect(ends)[group.side].items():
            if (group.side, label) in causes.sections(cause):
                texts = [textwrap.dedent("\n".join(text for _, text, _, _ in lines)) for lines in parts.values()]
                yield Heading(f"The code: {label}")
                yield Beside(list(parts), [text.splitlines() for text in texts])
        yield Heading(f"What each {group.side} told, in order")
        logs = [[line.text if line.sign in (" ", sign) else "" for line in group.diff] for sign in "-+"]
        yield Beside([end.label for end in ends], logs)
        for pairing in pairings:
            yield from _timeline(comparison, comparison.cell(pairing.server, pairing.client).runs[0])
    yield from (Heading("In a program of your own"), Line(entry.advice), BLANK)
    yield Command("Next", repeat.compare(comparison, "--raw"))


def _timeline(comparison: Comparison, run: Run) -> Iterator[Block]:
    """The first connection of a run, line by line as it was told, and where what one side sent came to the other."""
    drawn = timeline.of(run, half_closes(comparison.transport))
    events = {place: run.log(place[0]).events[place[1]] for place in drawn.rows[:MOST_ROWS]}
    began_ns = next((event.t_ns for event in events.values() if is_connection(event.speaker)), None) or 0
    rows: list[list[Span]] = []
    for (side, n), event in events.items():
        came = [flow.length for flow in drawn.flows if flow.end == (side, n)]
        what = f"--{sum(came) or 'EOF'}--" if came else ""
        time = f"{(event.t_ns - began_ns) / 1e6:.1f} ms" if event.t_ns is not None and drawn.timed else ""
        arrow = what and (f"<{what}" if side == "client" else f"{what}>")
        client, server = (event.message, "") if side == "client" else ("", event.message)
        rows.append([(time, "dim"), (client, ""), (arrow, "dim"), (server, "")])
    yield Heading(f"When it happened: {run.pairing}")
    yield Table(["", "client", "", "server"], rows)


def listing(selection: Selection) -> Iterator[Block]:
    """The endpoints, the scenarios and the transports, and the notes."""
    yield Line("Who can take part in what", "title")
    ends = {end.label: f"Python {end.python}" for end in (*selection.servers, *selection.clients)}
    yield from _named("--server, --client", f"reference: {selection.reference}", ends)
    for on_trial, title in GROUPS.items():
        own = {one.name: one.description for one in SCENARIOS.values() if one.on_trial == on_trial}
        yield from _named("--scenario", title, own)
    yield from _named("--transport", "", {name: transport.description for name, transport in TRANSPORTS.items()})
    yield from (BLANK, *(Line(f"Note: {note}", "note") for note in selection.notes))
    yield Line("Everything about one of them: --list NAME. The causes: compare.py explain")


def _named(option: str, what: str, rows: dict[str, str]) -> Iterator[Block]:
    yield from (BLANK, Table([option, what], [[(name, "bold"), (text, "")] for name, text in rows.items()]))


def everything_about(name: str, selection: Selection) -> Iterator[Block]:
    """All that is known of an endpoint, a scenario or a transport. Raises CannotCompare."""
    endpoints = {end.label: end for end in (*selection.servers, *selection.clients)}
    known = [*SCENARIOS, *endpoints, *TRANSPORTS]
    if name not in known:
        raise CannotCompare(f"--list {name!r}: there is no such thing{unknown(name, known, '--list')}")
    if scenario := SCENARIOS.get(name):
        yield Line(f"--scenario {name}: {scenario.description}", "title")
        yield Line(f"{GROUPS[scenario.on_trial]}, over {', '.join(scenario.transports)}.")
        yield Line(words.expectation(scenario))
        yield from (Line(f"Shows {shown}: {CATALOGUE[shown].title}.") for shown in scenario.shows)
        yield Command("Try it", repeat.again("--scenario", name))
    if endpoint := endpoints.get(name):
        yield Line(f"{name}: Python {endpoint.python}", "title")
        commands = zip(SIDES, (endpoint.server_command, endpoint.client_command), strict=True)
        yield from (Command(f"Its {side}", repeat.typed(command)) for side, command in commands if command)
    if transport := TRANSPORTS.get(name):
        yield Line(f"--transport {name}: {transport.description}", "title")
        able = (scenario.name for scenario in SCENARIOS.values() if name in scenario.transports)
        yield Line(f"Carries {', '.join(able)}.")
