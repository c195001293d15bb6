"""Of a run with very many lines, keep what shows how it went: a few of the connections, the first and last lines of
each, and of the life of the programs. Everything was judged before, and saved where the user asked for that."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from comparison.model import Event, Log, Run, Side
from comparison.transcript import is_connection, line_of, places
from comparison.vocabulary import BYTES, ENDINGS

KEPT_CONNECTIONS = 5
"""Connections that are kept of more than so many, and as many of those that ended in an unusual way."""

KEPT_LINES = 50
"""Lines about bytes that are kept of each end of a connection; likewise of its others, and of those of the program."""


def condense(run: Run) -> Run:
    """The run without what only repeats itself; where lines were left out, one says how many."""
    return dataclasses.replace(run, server=_condensed(run, "server"), client=_condensed(run, "client"), wire=())


def _condensed(run: Run, side: Side) -> Log:
    log, events = run.log(side), run.log(side).events
    program = [place for place, event in enumerate(events) if not is_connection(event.speaker)]
    blocks = places(events)
    first, others = blocks[:KEPT_CONNECTIONS], blocks[KEPT_CONNECTIONS:]
    usual = {events[block[-1]].name for block in first} & ENDINGS.keys()
    unusual = [block for block in others if events[block[-1]].name not in usual][:KEPT_CONNECTIONS]
    kept = {place for block in (program, *first, *unusual) for place in _shortened(events, block)}
    short: list[Event] = []
    lines: list[str] = []
    is_log = side not in run.silent and len(log.lines) == len(events)  # each event is a line of it
    for is_kept, run_of_places in itertools.groupby(range(len(events)), kept.__contains__):
        there = list(run_of_places)
        found = [events[place] for place in there] if is_kept else [_marker(len(there), events[there[0]].t_ns)]
        short += found
        lines += [log.lines[place] for place in there] if is_kept and is_log else map(line_of, found)
    if not is_log:
        left_out = len(log.lines) - 2 * KEPT_LINES
        marker = [line_of(_marker(left_out))] if left_out > 0 else []
        lines = [*log.lines[:KEPT_LINES], *marker, *log.lines[KEPT_LINES:][-KEPT_LINES:]]
    return dataclasses.replace(log, lines=tuple(lines), events=tuple(short))


def _shortened(events: Sequence[Event], block: Sequence[int]) -> Iterator[int]:
    for about_bytes in (True, False):
        lines = [place for place in block if (events[place].name in BYTES) is about_bytes]
        yield from lines[:KEPT_LINES]
        yield from lines[KEPT_LINES:][-KEPT_LINES:]


def _marker(count: int, t_ns: int | None = None) -> Event:
    return Event("left_out", "", f"({count} line{'s' * (count > 1)} left out here)", t_ns=t_ns)
