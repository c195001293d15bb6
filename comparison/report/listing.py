"""`compare.py --list`: who could take part in what, a line each; and everything about one of them."""

import sys
from collections.abc import Iterator

from comparison.judge.catalogue import CATALOGUE
from comparison.layout import BLANK, Block, Code, Command, Heading, Line
from comparison.model import SIDES, CannotCompare, Scenario, Side
from comparison.options import unknown
from comparison.play.transports import TRANSPORTS
from comparison.report import repeat, words
from comparison.scenarios import SCENARIOS
from comparison.selection import Selection

GROUPS: dict[tuple[Side, ...], str] = {
    SIDES: "A server with a client",
    ("server",): "A client with bad manners, or bad luck, with each server",
    ("client",): "A server with bad manners, or bad luck, with each client",
}
"""The scenarios by who is on trial."""


def listing(selection: Selection, width: int) -> Iterator[Block]:
    """The endpoints, the scenarios and the transports, in lines of `width` at most, and the notes."""
    yield Line("Who can take part in what", "title")
    yield Heading("--server, --client")
    endpoints = dict.fromkeys((*selection.servers, *selection.clients))
    yield Code([_cut(end.label, f"Python {end.python}", width) for end in endpoints])
    yield Line(f"reference: {selection.reference}", indent="  ")
    for on_trial, title in GROUPS.items():
        yield Heading(f"--scenario: {title}")
        own = [scenario for scenario in SCENARIOS.values() if scenario.on_trial == on_trial]
        yield Code([_cut(scenario.name, scenario.description, width) for scenario in own])
    yield Heading("--transport")
    yield Code([_cut(transport.name, transport.description, width) for transport in TRANSPORTS.values()])
    yield BLANK
    yield from (Line(f"Note: {note}", "note") for note in selection.notes)
    yield Line("Everything about one of them: --list NAME. The causes: compare.py explain")


def everything_about(name: str, selection: Selection) -> Iterator[Block]:
    """All that is known of an endpoint, a scenario or a transport. Raises CannotCompare."""
    endpoints = {end.label: end for end in (*selection.servers, *selection.clients)}
    known = [*SCENARIOS, *endpoints, *TRANSPORTS]
    if name not in known:
        raise CannotCompare(f"--list {name!r}: there is no such thing{unknown(name, known, '--list')}")
    if name in SCENARIOS:
        yield from _scenario(SCENARIOS[name])
    if name in endpoints:
        yield Line(f"{name}: Python {endpoints[name].python}", "title")
        commands = zip(SIDES, (endpoints[name].server_command, endpoints[name].client_command), strict=True)
        yield from (Command(f"Its {side}", repeat.typed(command)) for side, command in commands if command)
    if name in TRANSPORTS:
        yield Line(f"--transport {name}: {TRANSPORTS[name].description}", "title")
        able = (scenario.name for scenario in SCENARIOS.values() if name in scenario.transports)
        yield Line(f"Carries {', '.join(able)}.")


def _scenario(scenario: Scenario) -> Iterator[Block]:
    yield Line(f"--scenario {scenario.name}: {scenario.description}", "title")
    yield Line(f"{GROUPS[scenario.on_trial]}, over {', '.join(scenario.transports)}.")
    yield Line(words.expectation(scenario))
    yield from (Line(text) for text in [words.not_compared(scenario)] if text)
    yield from (Line(f"Shows {name}: {CATALOGUE[name].title}.") for name in scenario.shows)
    start = repeat.program(sys.orig_argv, sys.argv)
    yield Command("Try it", repeat.typed([*start, "--scenario", scenario.name]))


def _cut(name: str, text: str, width: int) -> str:
    """A name and what it is, as far as a line goes."""
    line = f"{name:<26} {text}"
    return line if len(line) <= width - 2 else line[: width - 6].rpartition(" ")[0] + " ..."
