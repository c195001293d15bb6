"""A survey as one JSON document, and back; and so a run by itself."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from comparison import files, shapes
from comparison.judge.catalogue import CATALOGUE
from comparison.model import (
    RAW,
    SIDES,
    CannotCompare,
    Cause,
    Cell,
    Comparison,
    Event,
    Group,
    Pairing,
    Run,
    Side,
    Survey,
)
from comparison.report import levels
from comparison.transcript import line_of, parse

WANTED = "a file that --format json has written"

SCHEMA = 3
"""Number of the JSON layout. It grows when a field changes its meaning or goes; a new field alone does not change it.
Layout 1 held one comparison a document; layout 2 knew no cell that is the reference or differs only in what is told."""

Document = dict[str, Any]


def to_json(survey: Survey) -> str:
    """All comparisons as one JSON document; `schema` says how to read it."""
    return json.dumps(document(survey), indent=1) + "\n"


def document(survey: Survey) -> Document:
    """The same before it is a text."""
    endpoints = dict.fromkeys(e for comparison in survey.comparisons for e in comparison.endpoints)
    return {
        "schema": SCHEMA,
        "endpoints": [dataclasses.asdict(endpoint) for endpoint in endpoints],
        "comparisons": [_comparison(comparison) for comparison in survey.comparisons],
        "levels": levels.document(survey),
        "otherwise": {loop: list(names) for loop, names in survey.otherwise.items()},
        "duration_s": round(survey.duration_s, 3),
        "exit_code": survey.exit_code,
    }


def _comparison(comparison: Comparison) -> Document:
    scenario, transport = comparison.scenario, comparison.transport
    return {
        "scenario": {
            "name": scenario.name,
            "description": scenario.description,
            "on_trial": list(scenario.on_trial),
            "transports": list(scenario.transports),
            "shows": list(scenario.shows),
            "expects": dataclasses.asdict(scenario.expects),
            "deadline_s": scenario.deadline_s,
        },
        "transport": {"name": transport.name, "description": transport.description},
        "environment": dict(comparison.environment),
        "servers": [endpoint.label for endpoint in comparison.servers],
        "clients": [endpoint.label for endpoint in comparison.clients],
        "reference": _pairing(comparison.reference),
        "repeat": comparison.repeat,
        "cells": [_cell(cell) for cell in comparison.cells],
        "causes": [_cause(cause) for cause in comparison.causes],
        "groups": [_group(group) for group in comparison.groups],
        "notes": list(comparison.notes),
        "selection": list(comparison.selection),
        "duration_s": round(comparison.duration_s, 3),
    } | ({"saved_in": list(comparison.saved_in)} if comparison.saved_in else {})


def _pairing(pairing: Pairing) -> dict[str, str]:
    return {"server": pairing.server.label, "client": pairing.client.label}


def _cell(cell: Cell) -> Document:
    return {
        **_pairing(cell.pairing),
        "verdict": str(cell.verdict),
        "verdicts": {part: str(verdict) for part, verdict in cell.verdicts.items()},
        "reason": cell.reason,
        "letters": list(cell.letters),
        "repeat": cell.repeat,
        "agreed": cell.agreed,
        "cut": cell.cut,
        "runs": [run_document(run) for run in cell.runs],
    }


def run_document(run: Run) -> Document:
    """A run, but for its pairing and what passed between two that both tell of it."""
    where = {"machine": run.machine} if run.machine else {}
    return {"number": run.number, "silent": list(run.silent)} | where | {side: _log(run, side) for side in SIDES}


def _log(run: Run, side: Side) -> Document:
    log = run.log(side)
    is_log = side not in run.silent and len(log.lines) == len(run.events(side))
    fate = {} if log.fate == "there" else {"fate": log.fate}
    wire = {} if is_log else {"wire": [line_of(event) for event in run.events(side)]}
    return {
        "command": list(log.command),
        "exit_code": log.exit_code,
        "trouble": log.trouble,
        **fate,
        "peak_bytes": log.peak_bytes,
        "lines": list(log.lines),
    } | wire


def _cause(cause: Cause) -> Document:
    entry = cause.explanation
    explanation = (
        None if entry is None else {n: getattr(entry, n) for n in ("name", "title", "kind", "axis", "text", "source")}
    )
    return {
        "letter": cause.letter,
        "event": cause.event,
        "axes": list(cause.axes),
        "finding": cause.finding,
        "explained": cause.explained,
        "explanation": explanation,
        "broken": None if cause.broken is None else cause.broken.name,
        "is_failure": cause.is_failure,
        "differences": [dataclasses.asdict(difference) for difference in cause.differences],
        "pairings": [_pairing(pairing) for pairing in cause.pairings],
    }


def _group(group: Group) -> Document:
    return {
        "side": group.side,
        "pairings": [_pairing(pairing) for pairing in group.pairings],
        "lines": [dataclasses.asdict(line) for line in group.lines],
        "diff": [{"sign": sign, "line": line, "letters": list(letters)} for sign, line, letters in group.diff],
    }


def load(path: Path) -> Survey:
    """Read what `to_json` wrote. Raises CannotCompare where the file is something else, or of another layout."""
    return from_json(files.read(path, WANTED), str(path))


def from_json(text: bytes, name: str) -> Survey:
    """Read a document. Raises CannotCompare with `name`, where it is none."""
    document = parse_document(text, name, "schema", SCHEMA, WANTED)
    with refused_if_damaged(name):
        survey = read_survey(document)
        for comparison in survey.comparisons:
            _check_parts(comparison)
        return survey


def parse_document(text: bytes, name: str, key: str, layout: int, wanted: str) -> Document:
    """A document of this layout, which it tells under `key`. Raises CannotCompare where it is something else."""
    try:
        found = files.parse(text)
    except ValueError:
        raise CannotCompare(f"{name!r} is not JSON; name {wanted}") from None
    told = found.get(key) if isinstance(found, dict) else None
    if told != layout:
        raise CannotCompare(f"{name!r} has layout {told!r}, and {layout} is what is read here; run it once more")
    return cast(Document, found)


@contextlib.contextmanager
def refused_if_damaged(name: str) -> Iterator[None]:
    """Raises CannotCompare where what is read inside has not its shape."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise CannotCompare(f"{name!r} is damaged ({why}); run it once more") from None


def read_survey(document: Document) -> Survey:
    """What `document` has made. Raises what `refused_if_damaged` is for."""
    return cast(Survey, shapes.make(Survey, _Reader(document).survey()))


def _check_parts(comparison: Comparison) -> None:
    """Raises ValueError where parts of a comparison do not belong together."""
    if set(comparison.pairings) != {cell.pairing for cell in comparison.cells}:
        raise ValueError("its cells are not those of its servers and clients")
    letters = {letter for cell in comparison.cells for letter in cell.letters}
    letters |= {letter for group in comparison.groups for *_, told in group.diff for letter in told}
    if not letters <= {cause.letter for cause in comparison.causes}:
        raise ValueError("a letter stands for no cause")


class _Reader:
    """Makes of a document what has the shape of a survey: what is only named there is put in its place."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._endpoints = {RAW.label: RAW} | {endpoint["label"]: endpoint for endpoint in document["endpoints"]}

    def survey(self) -> Document:
        return self._document | {"comparisons": [self._comparison(fields) for fields in self._document["comparisons"]]}

    def _comparison(self, fields: Document) -> Document:
        ends = {f"{side}s": [self._endpoints[label] for label in fields[f"{side}s"]] for side in SIDES}
        return fields | {
            "transport": fields["transport"] | {"server_options": (), "client_options": ()},
            "endpoints": self._document["endpoints"],
            **ends,
            "reference": self._pairing(fields["reference"]),
            "cells": [self._cell(cell) for cell in fields["cells"]],
            "causes": [self._cause(cause) for cause in fields["causes"]],
            "groups": [self._group(group) for group in fields["groups"]],
        }

    def _pairing(self, fields: Document) -> Document:
        return {side: self._endpoints[fields[side]] for side in SIDES}

    def _cell(self, fields: Document) -> Document:
        pairing = self._pairing(fields)
        return fields | {"pairing": pairing, "runs": [run_fields(pairing, run) for run in fields["runs"]]}

    def _cause(self, fields: Document) -> Document:
        entry, broken = fields["explanation"], fields["broken"]
        return fields | {
            "explanation": None if entry is None else vars(CATALOGUE[entry["name"]]) | entry,
            "broken": None if broken is None else CATALOGUE[broken],
            "pairings": [self._pairing(pairing) for pairing in fields["pairings"]],
        }

    def _group(self, fields: Document) -> Document:
        return fields | {
            "pairings": [self._pairing(pairing) for pairing in fields["pairings"]],
            "diff": [(part["sign"], part["line"], part["letters"]) for part in fields["diff"]],
        }


def events_of(lines: object, name: str) -> tuple[Event, ...]:
    """The events that lines tell of; `name` says which lines, where they are none."""
    return parse(shapes.make(tuple[str, ...], lines, f"{name}.lines"))


def run_fields(pairing: Pairing | Document, fields: Document) -> Document:
    """What has the shape of a run, of what `run_document` has made."""
    events = {f"{side}_events": events_of(fields[side].get("wire", fields[side]["lines"]), side) for side in SIDES}
    return fields | {"pairing": pairing} | events
