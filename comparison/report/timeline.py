"""Events of both sides -> the rows of a sequence diagram, and which write each read got its bytes from. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from comparison.model import SIDES, Event, Run, Side
from comparison.transcript import is_connection, places, told_speaker
from comparison.vocabulary import kind

Place = tuple[Side, int]
"""A line of a log: which side's, and the how manieth."""

Lines = Sequence[tuple[int, Event]]
"""Those of one side, by their places."""


@dataclass(frozen=True)
class Flow:
    """Bytes on their way from the line of a write to the line of a read; no bytes where it is EOF."""

    start: Place
    end: Place
    length: int


@dataclass(frozen=True)
class Timeline:
    """The lines of one connection and of the life of both programs, in the order of the clock."""

    rows: tuple[Place, ...]
    flows: tuple[Flow, ...]
    timed: bool
    """Whether every line has a time; without, the order between the sides is not known."""


def of(run: Run, half_close: bool = True) -> Timeline:
    """The diagram of the first connection of a run; without `half_close` nobody sends EOF before the close."""
    own, lines = _counterparts(run), {}
    for side in SIDES:
        told = enumerate(run.log(side).events)
        lines[side] = [(n, event) for n, event in told if not is_connection(event.speaker) or n in own[side]]
    rows = [(event.t_ns, side, n) for side in SIDES for n, event in lines[side]]
    timed = all(t_ns is not None for t_ns, _, _ in rows)
    rows = sorted(rows, key=lambda row: row[0] or 0) if timed else rows
    flows = [flow for start, end in (SIDES[::-1], SIDES) for flow in _flows(lines, start, end, half_close)]
    return Timeline(tuple((side, n) for _, side, n in rows), tuple(flows), timed)


def _counterparts(run: Run) -> dict[Side, set[int]]:
    """The first connection of the client, and the end that has the port which it reports, else the server's first."""
    clients, servers = places(run.client.events), places(run.server.events)
    ours = clients[0] if clients else ()
    name = told_speaker(run.client.events[n] for n in ours)
    named = (block for block in servers if run.server.events[block[0]].speaker == name)
    return {"server": set(next(named, servers[0] if servers else ())), "client": set(ours)}


def _flows(lines: Mapping[Side, Lines], start: Side, end: Side, half_close: bool) -> Iterator[Flow]:
    """Which bytes of which write were in which read: where the stream was cut anew. Last the EOF, from the line after
    which it was sent to the line that tells of it, or to the close where nothing does."""
    reads, at = _stretches(lines[end], "read"), 0
    for write, first, last in _stretches(lines[start], "write"):
        while at < len(reads) and reads[at][1] < last:
            read, low, high = reads[at]
            length = min(last, high) - max(first, low)
            if length > 0:
                yield Flow((start, write), (end, read), length)
            if high > last:
                break  # the rest of this read is from the next write
            at += 1
    sent = _first(lines[start], *["done"] * half_close, "close")
    seen = _first(lines[end], "eof", "close")
    if sent and seen and (sent[1].t_ns or 0) <= (seen[1].t_ns or math.inf):
        yield Flow((start, sent[0]), (end, seen[0]), 0)


def _stretches(lines: Lines, drawn: str) -> list[tuple[int, int, int]]:
    """Line, first byte and byte after the last of each write or read of a side."""
    found: list[tuple[int, int, int]] = []
    offset: int | None = 0
    for n, event in lines:
        if event.name == "left_out":
            offset = None  # from here on a line must say itself where its bytes belong
        elif kind(event.name).drawn == drawn and event.payload is not None:
            told = event.fields.get("offset")
            first = told if isinstance(told, int) else offset
            if first is not None:
                offset = first + event.payload.length
                found.append((n, first, offset))
    return found


def _first(lines: Lines, *drawn: str) -> tuple[int, Event] | None:
    """The first line that is drawn in one of these ways, the first of them before the others."""
    return next((line for wanted in drawn for line in lines if kind(line[1].name).drawn == wanted), None)
