"""A survey as one JSON document, and back; and so a run by itself."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
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
    DiffLine,
    Endpoint,
    Event,
    Explanation,
    Pairing,
    Run,
    Scenario,
    Side,
    Survey,
    Transport,
)
from comparison.report import levels
from comparison.transcript import line_of, parse

WANTED = "a file that --format json has written"
DAMAGED = ("is damaged", "run it once more")

SCHEMA = 3
"""Number of the JSON layout. It grows when a field changes its meaning or goes; a new field alone does not change it.
Layout 1 held one comparison a document; layout 2 knew no cell that is the reference or differs only in what is told."""

Document = dict[str, Any]

WRITTEN: Mapping[type, Sequence[str]] = {
    Scenario: ("name", "description", "on_trial", "transports", "shows", "expects", "deadline_s"),
    Transport: ("name", "description"),
    Explanation: ("name", "title", "kind", "axis", "text", "source"),
}
"""The fields that are written, where not all are."""


def to_json(survey: Survey) -> str:
    """All comparisons as one JSON document; `schema` says how to read it."""
    return json.dumps(document(survey), indent=1) + "\n"


def document(survey: Survey) -> Document:
    """The same before it is a text."""
    endpoints = dict.fromkeys(e for comparison in survey.comparisons for e in comparison.endpoints)
    head = {"schema": SCHEMA, "endpoints": [dataclasses.asdict(endpoint) for endpoint in endpoints]}
    changes = [dataclasses.asdict(standing) for standing in levels.standings(survey)]
    return head | _fields(survey) | {"levels": changes, "exit_code": survey.exit_code}


def _fields(value: Any) -> Document:
    """What is written of a value that has fields."""
    names = WRITTEN.get(type(value)) or [field.name for field in dataclasses.fields(value)]
    return {name: _plain(getattr(value, name)) for name in names}


def _plain(value: Any) -> Any:
    """A value as JSON has it. An endpoint is only named: all of it stands at the head of the document."""
    match value:
        case Endpoint():
            return value.label
        case Run():
            return run_document(value)
        case Comparison():
            own = _fields(value)
            return {name: own[name] for name in own if name != "endpoints"}
        case Cell():
            own = _fields(value)
            return own.pop("pairing") | {"verdict": value.verdict, "letters": own.pop("causes")} | own
        case Cause():
            broken = None if value.broken is None else value.broken.name
            own = _fields(value) | {"explained": value.explained, "broken": broken}
            return {"letter": own.pop("name")} | own
        case DiffLine():
            return {"sign": value.sign, "line": value.text, "letters": value.causes}
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case float():
            return round(value, 3)
    return _fields(value) if dataclasses.is_dataclass(value) else value


def run_document(run: Run) -> Document:
    """A run, but for its pairing and what passed between two that both tell of it."""
    where = {"machine": run.machine} if run.machine else {}
    return {"number": run.number, "silent": list(run.silent)} | where | {side: _log(run, side) for side in SIDES}


def _log(run: Run, side: Side) -> Document:
    own = dict(vars(run.log(side)))
    fate, lines = own.pop("fate"), own.pop("lines")
    is_log = side not in run.silent and len(lines) == len(run.events(side))
    wire = {} if is_log else {"wire": [line_of(event) for event in run.events(side)]}
    return own | ({} if fate == "there" else {"fate": fate}) | {"lines": lines} | wire


def load(path: Path) -> Survey:
    """Read what `to_json` wrote. Raises CannotCompare where the file is something else, or of another layout."""
    return from_json(files.read(path, WANTED), str(path))


def from_json(text: bytes, name: str) -> Survey:
    """Read a document. Raises CannotCompare with `name`, where it is none."""
    document = parse_document(text, name, "schema", SCHEMA, WANTED)
    with files.refused(name, *DAMAGED):
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


def read_survey(document: Document) -> Survey:
    """What `document` has made. Raises what `files.refused` is for."""
    endpoints = shapes.make(tuple[Endpoint, ...], document["endpoints"])
    by_label = {end.label: end for end in (RAW, *endpoints)}
    # What is only named, or written in another way, is put in its place.
    rules: shapes.Rules = {
        Comparison: lambda fields: fields | {"endpoints": endpoints},
        Transport: lambda fields: fields | {"server_options": (), "client_options": ()},
        Endpoint: by_label.__getitem__,
        Cell: lambda fields: fields | {"pairing": fields, "causes": fields["letters"], "runs": _runs(fields)},
        Cause: lambda fields: fields | {"name": fields["letter"]},
        Explanation: lambda told: CATALOGUE[told] if isinstance(told, str) else vars(CATALOGUE[told["name"]]) | told,
        DiffLine: lambda fields: {"sign": fields["sign"], "text": fields["line"], "causes": fields["letters"]},
    }
    return cast(Survey, shapes.make(Survey, document, rules=rules))


def _runs(cell: Document) -> list[Document]:
    return [run_fields(cell, run) for run in cell["runs"]]


def _check_parts(comparison: Comparison) -> None:
    """Raises ValueError where parts of a comparison do not belong together."""
    if set(comparison.pairings) != {cell.pairing for cell in comparison.cells}:
        raise ValueError("its cells are not those of its servers and clients")
    named = {name for cell in comparison.cells for name in cell.causes}
    named |= {name for group in comparison.groups for line in group.diff for name in line.causes}
    if not named <= {cause.name for cause in comparison.causes}:
        raise ValueError("a name stands for no cause")


def events_of(lines: object, name: str) -> tuple[Event, ...]:
    """The events that lines tell of; `name` says which lines, where they are none."""
    return parse(shapes.make(tuple[str, ...], lines, f"{name}.lines"))


def run_fields(pairing: Pairing | Document, fields: Document) -> Document:
    """What has the shape of a run, of what `run_document` has made."""
    events = {f"{side}_events": events_of(fields[side].get("wire", fields[side]["lines"]), side) for side in SIDES}
    return fields | {"pairing": pairing} | events
