"""Events of both sides -> the rows of a sequence diagram, and which write each read got its bytes from. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comparison.model import SIDES, Event, Run, Side
from comparison.transcript import is_connection, places, told_speaker
from comparison.vocabulary import kind

Place = tuple[Side, int]
"""A line of a log: which side's, and the how manieth."""


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


def of(run: Run, half_close: bool = True, shown: Mapping[Side, Sequence[tuple[int, Event]]] | None = None) -> Timeline:
    """The diagram of the first connection of a run; without `half_close` nobody sends EOF before the close. `shown` are
    the lines that can be referred to, each with its place in the log; else all."""
    blocks = {side: places(run.events(side)) for side in SIDES}
    own = _counterparts(run, blocks)
    lines: dict[Side, list[tuple[int, Event]]] = {}
    for side in SIDES:
        events = enumerate(shown[side] if shown is not None else enumerate(run.events(side)))
        lines[side] = [(n, event) for n, (at, event) in events if not is_connection(event.speaker) or at in own[side]]
    rows = [(event.t_ns, side, n) for side in SIDES for n, event in lines[side]]
    timed = all(t_ns is not None for t_ns, _, _ in rows)
    rows = sorted(rows, key=lambda row: row[0] or 0) if timed else rows
    flows: list[Flow] = []
    for start, end in (("client", "server"), ("server", "client")):
        flows += _flows(lines, start, end)  # type: ignore[arg-type]
        flows += _ends(lines, start, end, half_close)  # type: ignore[arg-type]
    return Timeline(tuple((side, n) for _, side, n in rows), tuple(flows), timed)


def _counterparts(run: Run, blocks: Mapping[Side, Sequence[Sequence[int]]]) -> dict[Side, set[int]]:
    """The first connection of the client, and the server's end of it: by the port that the client reports, else the
    first one."""
    ours, first = (next(iter(blocks[side]), ()) for side in ("client", "server"))
    name = told_speaker(run.client_events[n] for n in ours)
    theirs = next((block for block in blocks["server"] if run.server_events[block[0]].speaker == name), first)
    return {"server": set(theirs), "client": set(ours)}


def _stretches(lines: Sequence[tuple[int, Event]], drawn: str) -> list[tuple[int, int, int]]:
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
                found.append((n, first, first + event.payload.length))
                offset = first + event.payload.length
    return found


def _flows(lines: dict[Side, list[tuple[int, Event]]], start: Side, end: Side) -> list[Flow]:
    """Which bytes of which write were in which read: where the stream was cut anew."""
    flows = []
    reads, at = _stretches(lines[end], "read"), 0
    for write, first, last in _stretches(lines[start], "write"):
        while at < len(reads) and reads[at][1] < last:
            read, low, high = reads[at]
            length = min(last, high) - max(first, low)
            if length > 0:
                flows.append(Flow((start, write), (end, read), length))
            if high > last:
                break  # the rest of this read is from the next write
            at += 1
    return flows


def _ends(lines: dict[Side, list[tuple[int, Event]]], start: Side, end: Side, half_close: bool) -> list[Flow]:
    """The EOF of one side, from the line after which it was sent to the line that tells of it: the close of the other
    where nothing does."""
    sent = (half_close and _first(lines[start], "done")) or _first(lines[start], "close")
    seen = _first(lines[end], "eof") or _first(lines[end], "close")
    if not sent or not seen or (sent[1].t_ns or 0) > (seen[1].t_ns or math.inf):
        return []
    return [Flow((start, sent[0]), (end, seen[0]), 0)]


def _first(lines: Sequence[tuple[int, Event]], drawn: str) -> tuple[int, Event] | None:
    return next(((n, event) for n, event in lines if kind(event.name).drawn == drawn), None)
