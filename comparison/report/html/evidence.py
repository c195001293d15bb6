"""What the cells rest on, as the data from which the page draws logs, diffs and diagrams. Texts stand in one list, and
everything else refers to them by number: most lines of most logs are the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.logs import escape
from comparison.model import PARTS, SIDES, Cell, Comparison, Event, Group, Pairing, Run, Side, Survey
from comparison.play.transports import half_closes
from comparison.report import repeat, words
from comparison.report.html import sections, timeline
from comparison.vocabulary import kind


@dataclass(frozen=True)
class Trim:
    """What of a long log is shown: so many of its first and of its last lines."""

    first: int
    last: int
    runs: int = 2
    """Runs of a cell: one of each behaviour."""


TRIMS = (Trim(60, 20), Trim(24, 8), Trim(8, 4, 1))
"""From generous to frugal: the first with which the page is not too large is taken."""

TRACEBACK_LINES = 40


def collect(survey: Survey, trim: Trim) -> dict[str, Any]:
    """All evidence of a survey, ready for JSON."""
    texts = Texts()
    scenarios = {words.name(comparison): _scenario(comparison, trim, texts) for comparison in survey.comparisons}
    parts = [question.capitalize() for question in PARTS.values()]
    return {"texts": texts.all, "parts": parts, "symbols": words.SYMBOLS, "scenarios": scenarios}


class Texts:
    """Texts by number, each once, with every character made visible."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(escape(text), len(self._numbers))

    @property
    def all(self) -> list[str]:
        return list(self._numbers)


def _scenario(comparison: Comparison, trim: Trim, texts: Texts) -> dict[str, Any]:
    return {
        "servers": [escape(end.label) for end in comparison.servers],
        "clients": [escape(end.label) for end in comparison.clients],
        "reference": [escape(comparison.reference.server.label), escape(comparison.reference.client.label)],
        "description": escape(comparison.scenario.description),
        "over": escape(comparison.transport.description),
        "groups": [[[sign, texts.number(line), letters] for sign, line, letters in g.diff] for g in comparison.groups],
        "cells": [_cell(comparison, cell, trim, texts) for cell in comparison.cells],
    }


def _cell(comparison: Comparison, cell: Cell, trim: Trim, texts: Texts) -> dict[str, Any]:
    half_close = half_closes(comparison.transport)
    return {
        "server": escape(cell.pairing.server.label),
        "client": escape(cell.pairing.client.label),
        "verdict": str(cell.verdict),
        "verdicts": [str(cell.verdicts[part]) for part in PARTS if part in cell.verdicts],
        "reason": texts.number(cell.reason),
        "letters": list(cell.letters),
        "runs_note": _runs_note(cell, trim),
        "commands": [[texts.number(c.title), texts.number(c.text)] for c in repeat.commands(comparison, cell)],
        "diff": {side: _group_number(comparison.groups, side, cell.pairing) for side in SIDES},
        "runs": [_run(run, trim, texts, half_close) for run in cell.runs[: trim.runs]],
    }


def _runs_note(cell: Cell, trim: Trim) -> str:
    """How the runs came out, and what of them is shown."""
    if cell.repeat < 2:
        return ""
    text = f"{cell.agreed} of {cell.repeat} runs alike; cut by TCP in {cell.cut}. "
    if len(cell.runs) > trim.runs:
        return text + f"{len(cell.runs)} behaviours were seen, and {trim.runs} are shown; the saved results have all."
    return text + "One run of each behaviour is shown."


def _group_number(groups: Sequence[Group], side: Side, pairing: Pairing) -> int | None:
    return next((n for n, group in enumerate(groups) if group.side == side and pairing in group.pairings), None)


def _run(run: Run, trim: Trim, texts: Texts, half_close: bool) -> dict[str, Any]:
    drawn = timeline.of(run, half_close)
    started_ns = _began_ns(run)
    kept = {side: _kept(len(run.events(side)), trim) for side in SIDES}
    shown = {side: {n: place for place, n in enumerate(kept[side]) if n is not None} for side in SIDES}
    rows = [[SIDES.index(side), place] for side, n in drawn.rows for place in _places(shown[side], kept[side], n)]
    return {
        "number": run.number,
        "connections": drawn.connections,
        "timed": drawn.timed,
        "exit": [_exit(run, side) for side in SIDES],
        "logs": [list(_log(run.events(side), kept[side], side, started_ns, texts)) for side in SIDES],
        "rows": rows,
        "flows": [
            [SIDES.index(f.start[0]), shown[f.start[0]][f.start[1]], shown[f.end[0]][f.end[1]], f.length]
            for f in drawn.flows
            if f.start[1] in shown[f.start[0]] and f.end[1] in shown[f.end[0]]
        ],
    }


def _places(shown: Mapping[int, int], kept: Sequence[int | None], n: int) -> list[int]:
    """Where a line stands among those that are shown, and with it the gap that follows."""
    if n not in shown:
        return []
    place = shown[n]
    return [place, place + 1] if place + 1 < len(kept) and kept[place + 1] is None else [place]


def _began_ns(run: Run) -> int:
    """When the client began, from where the times of a run are counted: how long programs take to start is no part of
    the story."""
    events = [*run.events("client"), *run.events("server")]
    own = (event.t_ns for event in events if event.name in ("connecting", "began") and event.t_ns is not None)
    return next(own, min((event.t_ns for event in events if event.t_ns is not None), default=0))


def _kept(count: int, trim: Trim) -> list[int | None]:
    """The numbers of the lines that are shown, None for the gap."""
    if count <= trim.first + trim.last + 1:
        return list(range(count))
    return [*range(trim.first), None, *range(count - trim.last, count)]


def _exit(run: Run, side: Side) -> str:
    log = run.log(side)
    if run.is_raw(side):
        return "played by the engine with raw sockets" + (f": {escape(log.trouble)}" if log.trouble else "")
    seen = "seen on the wire, since it tells nothing; " if side in run.silent else ""
    ended = f"exit code {log.exit_code}" if log.exit_code is not None else "no exit code"
    peak = f", at most {log.peak_bytes / 2**20:.0f} MiB" if log.peak_bytes else ""
    return seen + ended + peak + (f": {escape(log.trouble)}" if log.trouble else "")


def _log(
    events: Sequence[Event], kept: Sequence[int | None], side: Side, started_ns: int, texts: Texts
) -> Iterator[list[Any]]:
    """Time in us, speaker, message, how it is drawn, bytes, the section that writes it, a traceback."""
    for n in kept:
        if n is None:
            hidden = len(events) - len(kept) + 1
            yield [None, -1, texts.number(f"{hidden:,} lines are not shown; the saved results have them"), "gap", 0, -1]
            continue
        event = events[n]
        time_us = None if event.t_ns is None else (event.t_ns - started_ns) // 1000
        length = event.payload.length if event.payload is not None else 0
        label = sections.of(side, event.name)
        section = texts.number(label) if label is not None else -1
        line = [
            time_us,
            texts.number(event.speaker),
            texts.number(event.message),
            kind(event.name).drawn,
            length,
            section,
        ]
        yield [*line, *_traceback(event, texts)]


def _traceback(event: Event, texts: Texts) -> list[list[int]]:
    text = str(event.fields.get("traceback", ""))
    return [[texts.number(line) for line in text.splitlines()[-TRACEBACK_LINES:]]] if text else []
