"""What the cells rest on, as the data from which the page draws logs, diffs and diagrams. Texts stand in one list, and
everything else refers to them by number: most lines of most logs are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common.logs import escape
from comparison.model import PARTS, SIDES, Cell, Comparison, Event, Group, Pairing, Run, Side, Survey
from comparison.play.transports import half_closes
from comparison.report import repeat, words
from comparison.report.html import timeline
from comparison.transcript import places
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
    told = [*words.troubles(comparison), *words.skipped([comparison])]
    return {
        "servers": [escape(end.label) for end in comparison.servers],
        "clients": [escape(end.label) for end in comparison.clients],
        "reference": [escape(comparison.reference.server.label), escape(comparison.reference.client.label)],
        "description": escape(comparison.scenario.description),
        "over": escape(comparison.transport.description),
        "transport": comparison.transport.name,
        "expected": escape(_expected(comparison)),
        "told": [f"{words.SYMBOLS[sign]} {escape(line)}" for sign, line in told],
        "groups": [[[d.sign, texts.number(d.text), d.causes] for d in g.diff] for g in comparison.groups],
        "cells": [_cell(comparison, cell, trim, texts) for cell in comparison.cells],
    }


def _expected(comparison: Comparison) -> str:
    must = "; ".join(words.expectation(comparison.scenario))
    return f"Must hold for everybody: {must}. {words.not_compared(comparison.scenario)}".rstrip()


def _cell(comparison: Comparison, cell: Cell, trim: Trim, texts: Texts) -> dict[str, Any]:
    half_close = half_closes(comparison.transport)
    return {
        "server": escape(cell.pairing.server.label),
        "client": escape(cell.pairing.client.label),
        "verdict": str(cell.verdict),
        "verdicts": [str(cell.verdicts[part]) for part in PARTS if part in cell.verdicts],
        "reason": texts.number(cell.reason),
        "causes": list(cell.causes),
        "runs_note": _runs_note(cell, trim),
        "commands": [[texts.number(c.what), texts.number(c.text)] for c in repeat.commands(comparison, cell)],
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
    shown = {side: _trimmed(run.events(side), trim) for side in SIDES}
    drawn = timeline.of(run, half_close, shown)
    began_ns = _began_ns(run)
    return {
        "number": run.number,
        "connections": max(len(places(run.events(side))) for side in SIDES),
        "timed": drawn.timed,
        "exit": [_exit(run, side) for side in SIDES],
        "logs": [[_line(event, side, began_ns, texts) for _, event in shown[side]] for side in SIDES],
        "rows": [[SIDES.index(side), place] for side, place in drawn.rows],
        "flows": [[SIDES.index(f.start[0]), f.start[1], f.end[1], f.length] for f in drawn.flows],
    }


def _trimmed(events: Sequence[Event], trim: Trim) -> list[tuple[int, Event]]:
    """The events that are shown, each with its place, and one for those that are not."""
    lines = list(enumerate(events))
    hidden = lines[trim.first : len(lines) - trim.last]
    if len(hidden) < 2:
        return lines
    place, first = hidden[0]
    text = f"{len(hidden):,} lines are not shown; the saved results have them"
    return [*lines[: trim.first], (place, Event("left_out", "", text, t_ns=first.t_ns)), *lines[-trim.last :]]


def _began_ns(run: Run) -> int:
    """When the client began, from where the times of a run are counted: how long programs take to start is no part of
    the story."""
    events = [*run.events("client"), *run.events("server")]
    own = (event.t_ns for event in events if event.name in ("connecting", "began") and event.t_ns is not None)
    return next(own, min((event.t_ns for event in events if event.t_ns is not None), default=0))


def _exit(run: Run, side: Side) -> str:
    log = run.log(side)
    if run.is_raw(side):
        return "played by the engine with raw sockets" + (f": {escape(log.trouble)}" if log.trouble else "")
    seen = "seen on the wire, since it tells nothing; " if side in run.silent else ""
    ended = f"exit code {log.exit_code}" if log.exit_code is not None else "no exit code"
    peak = f", at most {log.peak_bytes / 2**20:.0f} MiB" if log.peak_bytes else ""
    return seen + ended + peak + (f": {escape(log.trouble)}" if log.trouble else "")


def _line(event: Event, side: Side, started_ns: int, texts: Texts) -> list[Any]:
    """Time in us, speaker, message, how it is drawn, bytes, the section that writes it, a traceback."""
    label = kind(event.name).section(side)
    section = texts.number(label) if label is not None else -1
    return [
        None if event.t_ns is None else (event.t_ns - started_ns) // 1000,
        texts.number(event.speaker) if event.speaker else -1,
        texts.number(event.message),
        kind(event.name).drawn,
        event.payload.length if event.payload is not None else 0,
        section,
        *_traceback(event, texts),
    ]


def _traceback(event: Event, texts: Texts) -> list[list[int]]:
    text = str(event.fields.get("traceback", ""))
    return [[texts.number(line) for line in text.splitlines()[-TRACEBACK_LINES:]]] if text else []
