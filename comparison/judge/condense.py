"""Of a run with very many lines, keep what shows how it went: a few of the connections, the first and last lines of
each, and of the life of the programs. Everything was judged before, and saved where the user asked for that."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from comparison.model import SIDES, Event, Log, Run, Side
from comparison.transcript import is_connection, line_of, places
from comparison.vocabulary import BYTES, ENDINGS

KEPT_CONNECTIONS = 5
"""Connections that are kept of more than so many, and as many of those that ended in an unusual way."""

KEPT_LINES = 50
"""Lines about bytes that are kept of each end of a connection; likewise of its others, and of those of the program."""


def condense(run: Run, connections: int = KEPT_CONNECTIONS, most: int = KEPT_LINES) -> Run:
    """The run without what only repeats itself: so many `connections`, and at `most` so many lines as is said above. In
    the place of those that were left out one says how many they were."""
    server, client = (_condensed(run, side, connections, most) for side in SIDES)
    return dataclasses.replace(run, server=server, client=client, wire=())


def _condensed(run: Run, side: Side, connections: int, most: int) -> Log:
    log, events = run.log(side), run.log(side).events
    program = [place for place, event in enumerate(events) if not is_connection(event.speaker)]
    blocks = places(events)
    first, others = blocks[:connections], blocks[connections:]
    usual = {events[block[-1]].name for block in first} & ENDINGS.keys()
    unusual = [block for block in others if events[block[-1]].name not in usual][:connections]
    kept = {place for block in (program, *first, *unusual) for place in _shortened(events, block, most)}
    short: list[Event] = []
    lines: list[str] = []
    is_log = side not in run.silent and len(log.lines) == len(events)  # each event is a line of it
    for is_kept, run_of_places in itertools.groupby(range(len(events)), kept.__contains__):
        there = list(run_of_places)
        found = [events[place] for place in there]
        if not is_kept:
            found = [_marker(len(found), found[0].t_ns, any(event.name == "left_out" for event in found))]
        short += found
        lines += [log.lines[place] for place in there] if is_kept and is_log else map(line_of, found)
    if not is_log:
        left_out = len(log.lines) - 2 * most
        marker = [line_of(_marker(left_out))] if left_out > 0 else []
        lines = [*log.lines[:most], *marker, *log.lines[most:][-most:]]
    return dataclasses.replace(log, lines=tuple(lines), events=tuple(short))


def _shortened(events: Sequence[Event], block: Sequence[int], most: int) -> Iterator[int]:
    for about_bytes in (True, False):
        lines = [place for place in block if (events[place].name in BYTES) is about_bytes]
        yield from lines[:most]
        yield from lines[most:][-most:]


def _marker(count: int, t_ns: int | None = None, once_more: bool = False) -> Event:
    least = "at least " if once_more else ""
    return Event("left_out", "", f"({least}{count} line{'s' * (count > 1)} left out here)", t_ns=t_ns)
