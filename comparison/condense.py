"""Of a run with very many connections, keep what shows how it went: a few of the connections, and the life of the
programs. Everything was judged before, and saved where the user asked for that."""

import dataclasses
from collections.abc import Sequence

from comparison.model import Event, Log, Run, Side
from comparison.projection import ENDINGS, connections, is_connection

KEPT = 5
"""Connections that are kept of more than so many."""


def condense(run: Run) -> Run:
    """The run with the lines of its first connections, and of those that ended in another way than these."""
    server_log, server_events = _condensed(run, "server")
    client_log, client_events = _condensed(run, "client")
    return dataclasses.replace(
        run, server=server_log, client=client_log, server_events=server_events, client_events=client_events
    )


def _condensed(run: Run, side: Side) -> tuple[Log, tuple[Event, ...]]:
    events, log = run.events(side), run.log(side)
    blocks = connections(events)
    if len(blocks) <= KEPT:
        return log, events
    kept = {id(event) for block in _worth_showing(blocks) for event in block}
    places = [place for place, event in enumerate(events) if not is_connection(event.speaker) or id(event) in kept]
    if len(log.lines) == len(events):  # not so for what was seen on the wire
        log = dataclasses.replace(log, lines=tuple(log.lines[place] for place in places))
    return log, tuple(events[place] for place in places)


def _worth_showing(blocks: Sequence[Sequence[Event]]) -> list[Sequence[Event]]:
    usual = {block[-1].name for block in blocks[:KEPT]}
    unusual = [block for block in blocks[KEPT:] if block[-1].name not in usual or block[-1].name not in ENDINGS]
    return [*blocks[:KEPT], *unusual[:KEPT]]
