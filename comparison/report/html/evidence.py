"""What stands behind the page, as the data from which it draws logs, diffs, diagrams and code. Texts stand in one list,
and the cells refer to them by number: most lines of most logs are the same."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from common.logs import escape
from comparison.judge.condense import KEPT_CONNECTIONS, KEPT_LINES, condense
from comparison.model import MIB, PARTS, SIDES, Cell, Comparison, Event, Pairing, Run, Side, Survey
from comparison.play.transports import half_closes
from comparison.report import causes, code, repeat, timeline, words
from comparison.transcript import places
from comparison.vocabulary import kind


class Trim(NamedTuple):
    """What is shown: so many runs of a cell, one of each behaviour, and of each what `condense` keeps."""

    connections: int
    most: int
    runs: int = 2


TRIMS = (Trim(KEPT_CONNECTIONS, KEPT_LINES), Trim(3, 12), Trim(1, 2, 1))
"""From generous to frugal: the first with which the page is not too large is taken."""

TRACEBACK_LINES = 40


class Texts(dict[str, int]):
    """Texts by number, each once, with every character made visible."""

    def number(self, text: str) -> int:
        return self.setdefault(escape(text), len(self))


def collect(survey: Survey, trim: Trim) -> dict[str, Any]:
    """All evidence of a survey, ready for JSON."""
    texts = Texts()
    scenarios = {words.name(comparison): _scenario(comparison, trim, texts) for comparison in survey.comparisons}
    parts = [question.capitalize() for question in PARTS.values()]
    return {"texts": list(texts), "parts": parts, "symbols": words.SYMBOLS, "scenarios": scenarios}


def of_pairing(pairing: Pairing) -> list[str]:
    return [escape(pairing.server.label), escape(pairing.client.label)]


def of_causes(cards: Sequence[causes.Card]) -> dict[str, Any]:
    """For each the reference and a cell in which least besides differs, and the sections of the code that make it."""
    found = {}
    for card in cards:
        one = card.comparison
        groups = filter(None, (causes.clearest(one, card.cause, side) for side in SIDES))
        shown = [pairing for group in groups for pairing in group.pairings] or card.cause.pairings
        shows = min(shown, key=lambda pairing: len(one.cell(pairing.server, pairing.client).causes))
        cells = [one.cell(pairing.server, pairing.client) for pairing in dict.fromkeys((one.reference, shows))]
        sections = dict.fromkeys(section for _, cause in card.seen for section in causes.sections(cause))
        found[card.cause.name] = {
            "scenario": words.name(one),
            "cells": [of_pairing(cell.pairing) for cell in cells if cell.runs],
            "sections": [code.anchor(side, label) for side, label in sections],
        }
    return found


def of_code(sections: Mapping[Side, code.Rows]) -> dict[str, Any]:
    return {
        code.anchor(side, label): {"title": f"{side}: {label}", "parts": list(parts.items())}
        for side, rows in sections.items()
        for label, parts in rows.items()
    }


def _scenario(comparison: Comparison, trim: Trim, texts: Texts) -> dict[str, Any]:
    return {
        "servers": [escape(end.label) for end in comparison.servers],
        "clients": [escape(end.label) for end in comparison.clients],
        "reference": of_pairing(comparison.reference),
        "description": escape(comparison.scenario.description),
        "over": escape(comparison.transport.description),
        "transport": comparison.transport.name,
        "expected": escape(words.expectation(comparison.scenario)),
        "told": [f"{line.mark} {escape(line.text)}" for line in words.troubles(comparison)],
        "groups": [[[d.sign, texts.number(d.text), d.causes] for d in g.diff] for g in comparison.groups],
        "cells": [_cell(comparison, cell, trim, texts) for cell in comparison.cells],
    }


def _cell(comparison: Comparison, cell: Cell, trim: Trim, texts: Texts) -> dict[str, Any]:
    half_close = half_closes(comparison.transport)
    groups = {g.side: n for n, g in reversed([*enumerate(comparison.groups)]) if cell.pairing in g.pairings}
    server, client = of_pairing(cell.pairing)
    runs = cell.runs[: trim.runs]
    behaviours = f"{words.count(len(cell.runs), 'behaviour')} seen, {len(runs)} shown"
    several = f"{cell.agreed} of {cell.repeat} runs alike; cut by TCP in {cell.cut}; {behaviours}."
    return {
        "server": server,
        "client": client,
        "verdict": str(cell.verdict),
        "verdicts": [str(cell.verdicts[part]) for part in PARTS if part in cell.verdicts],
        "reason": texts.number(cell.reason),
        "causes": list(cell.causes),
        "runs_note": several if cell.repeat > 1 else "",
        "commands": [[texts.number(c.what), texts.number(c.text)] for c in repeat.commands(comparison, cell)],
        "diff": {side: groups.get(side) for side in SIDES},
        "runs": [_run(run, trim, texts, half_close) for run in runs],
    }


def _run(run: Run, trim: Trim, texts: Texts, half_close: bool) -> dict[str, Any]:
    shown, began_ns = condense(run, trim.connections, trim.most), _began_ns(run)
    drawn = timeline.of(shown, half_close)
    return {
        "number": run.number,
        "connections": max(len(places(run.log(side).events)) for side in SIDES),
        "timed": drawn.timed,
        "exit": [_exit(run, side) for side in SIDES],
        "logs": [[_line(event, side, began_ns, texts) for event in shown.log(side).events] for side in SIDES],
        "rows": [[SIDES.index(side), place] for side, place in drawn.rows],
        "flows": [[SIDES.index(f.start[0]), f.start[1], f.end[1], f.length] for f in drawn.flows],
    }


def _began_ns(run: Run) -> int:
    """When the client began: how long programs take to start is no part of the story."""
    events = [*run.client.events, *run.server.events]
    times = [(event.name in ("connecting", "began"), event.t_ns) for event in events if event.t_ns is not None]
    return next((t_ns for is_start, t_ns in times if is_start), min((t_ns for _, t_ns in times), default=0))


def _exit(run: Run, side: Side) -> str:
    log = run.log(side)
    trouble = f": {escape(log.trouble)}" if log.trouble else ""
    if run.is_raw(side):
        return f"played by the engine with raw sockets{trouble}"
    seen = "seen on the wire, since it tells nothing; " if side in run.silent else ""
    ended = f"exit code {log.exit_code}" if log.exit_code is not None else "no exit code"
    peak = f", at most {log.peak_bytes / MIB:.0f} MiB" if log.peak_bytes else ""
    return f"{seen}{ended}{peak}{trouble}"


def _line(event: Event, side: Side, began_ns: int, texts: Texts) -> list[Any]:
    """Time in us, speaker, message, how it is drawn, bytes, the section that writes it, a traceback."""
    label = kind(event.name).section(side)
    section = texts.number(label) if label is not None else -1
    traceback = str(event.fields.get("traceback", "")).splitlines()[-TRACEBACK_LINES:]
    return [
        None if event.t_ns is None else (event.t_ns - began_ns) // 1000,
        texts.number(event.speaker) if event.speaker else -1,
        texts.number(event.message),
        kind(event.name).drawn,
        event.payload.length if event.payload is not None else 0,
        section,
        *([[texts.number(line) for line in traceback]] if traceback else []),
    ]
