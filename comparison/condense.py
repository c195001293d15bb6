"""Of a run with very many lines, keep what shows how it went: a few of the connections, the first and last bytes of
each, and the life of the programs. Everything was judged before, and saved where the user asked for that."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

from comparison.model import Event, Log, Run, Side
from comparison.projection import BYTES, ENDINGS, connections, is_connection

KEPT_CONNECTIONS = 5
"""Connections that are kept of more than so many, and as many of those that ended in an unusual way."""

KEPT_CHUNKS = 50
"""Lines about bytes that are kept of a connection from its beginning, and as many from its end."""


def condense(run: Run) -> Run:
    """The run without what only repeats itself; a line says how many were left out."""
    server_log, server_events = _condensed(run, "server")
    client_log, client_events = _condensed(run, "client")
    return dataclasses.replace(
        run, server=server_log, client=client_log, server_events=server_events, client_events=client_events
    )


def _condensed(run: Run, side: Side) -> tuple[Log, tuple[Event, ...]]:
    events, log = run.events(side), run.log(side)
    blocks = connections(events)
    kept = {id(event) for block in _worth_showing(blocks) for event in _shortened(block)}
    places = [place for place, event in enumerate(events) if not is_connection(event.speaker) or id(event) in kept]
    if len(places) == len(events):
        return log, events
    marker = _left_out(len(events) - len(places))
    lines = log.lines
    if len(lines) == len(events):  # not so for what was seen on the wire
        lines = (*(lines[place] for place in places), _line(marker))
    return dataclasses.replace(log, lines=lines), (*(events[place] for place in places), marker)


def _worth_showing(blocks: Sequence[Sequence[Event]]) -> list[Sequence[Event]]:
    first = blocks[:KEPT_CONNECTIONS]
    usual = {block[-1].name for block in first}
    others = blocks[KEPT_CONNECTIONS:]
    unusual = [block for block in others if block[-1].name not in usual or block[-1].name not in ENDINGS]
    return [*first, *unusual[:KEPT_CONNECTIONS]]


def _shortened(block: Sequence[Event]) -> Iterator[Event]:
    """A connection without the bytes in its middle."""
    chunks = [event for event in block if event.name in BYTES]
    dropped = {id(event) for event in chunks[KEPT_CHUNKS:-KEPT_CHUNKS]}
    return (event for event in block if id(event) not in dropped)


def _left_out(count: int) -> Event:
    return Event("left_out", "", f"({count} lines more, all of connections, were left out here)", t_ns=0)


def _line(event: Event) -> str:
    """An event as a line that is read as that event."""
    return json.dumps({"t_ns": 0, "logger": "", "level": "", "event": event.name, "message": event.message})
