"""A survey as one JSON document, and back; and so a run by itself."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from comparison import files, model, shapes
from comparison.judge.catalogue import CATALOGUE
from comparison.model import RAW, SIDES, Endpoint, Event, Pairing, Run, Side, Survey
from comparison.report import levels
from comparison.transcript import line_of, parse

WANTED = "a file that --format json has written"
DAMAGED = ("is damaged", "run it once more")

SCHEMA = 3
"""Number of the JSON layout. It grows when a field changes its meaning or goes; a new field alone does not change it.
Layout 1 held one comparison a document; layout 2 knew no cell that is the reference or differs only in what is told."""

Document = dict[str, Any]

WRITTEN: Mapping[type, Sequence[str]] = {
    model.Scenario: ("name", "description", "on_trial", "transports", "shows", "expects", "deadline_s"),
    model.Transport: ("name", "description"),
    model.Explanation: ("name", "title", "kind", "axis", "text", "source"),
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
    return head | cast(Document, _plain(survey)) | {"levels": changes, "exit_code": survey.exit_code}


def _plain(value: Any) -> Any:
    """A value as JSON has it. An endpoint is only named: all of it stands at the head of the document."""
    match value:
        case Endpoint():
            return value.label
        case Run():
            return run_document(value)
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case float():
            return round(value, 3)
    if not dataclasses.is_dataclass(value):
        return value
    names = WRITTEN.get(type(value)) or [field.name for field in dataclasses.fields(value)]
    own = {name: _plain(getattr(value, name)) for name in names}
    match value:
        case model.Comparison():
            del own["endpoints"]
        case model.Cell():
            return own.pop("pairing") | {"verdict": value.verdict, "letters": own.pop("causes")} | own
        case model.Cause():
            broken = None if value.broken is None else value.broken.name
            return {"letter": own.pop("name")} | own | {"explained": value.explanation is not None, "broken": broken}
        case model.DiffLine():
            return {"sign": value.sign, "line": value.text, "letters": value.causes}
    return own


def run_document(run: Run) -> Document:
    """A run, but for its pairing and what passed between two that both tell of it."""
    where = {"machine": run.machine} if run.machine else {}
    return {"number": run.number, "silent": list(run.silent)} | where | {side: _log(run, side) for side in SIDES}


def _log(run: Run, side: Side) -> Document:
    own = dict(vars(run.log(side)))
    fate, lines, events = (own.pop(name) for name in ("fate", "lines", "events"))
    is_log = side not in run.silent and len(lines) == len(events)
    wire = {} if is_log else {"wire": list(map(line_of, events))}
    return own | ({} if fate == "there" else {"fate": fate}) | {"lines": lines} | wire


def from_json(text: bytes, name: str) -> Survey:
    """Read what `to_json` wrote. Raises CannotCompare with `name`, where it is something else, or of another layout."""
    document = files.document(text, name, "schema", SCHEMA, WANTED)
    with files.refused(name, *DAMAGED):
        survey = read_survey(document)
        for one in survey.comparisons:
            if set(one.pairings) != {cell.pairing for cell in one.cells}:
                raise ValueError("its cells are not those of its servers and clients")
            named = {name for cell in one.cells for name in cell.causes}
            named |= {name for group in one.groups for line in group.diff for name in line.causes}
            if not named <= {cause.name for cause in one.causes}:
                raise ValueError("a name stands for no cause")
        return survey


def read_survey(document: Document) -> Survey:
    """What `document` has made. Raises what `files.refused` is for."""
    endpoints = shapes.make(tuple[Endpoint, ...], document["endpoints"])
    by_label = {end.label: end for end in (RAW, *endpoints)}
    # What is only named, or written in another way, is put in its place.
    rules: shapes.Rules = {
        model.Comparison: lambda fields: fields | {"endpoints": endpoints},
        model.Transport: lambda fields: fields | {"server_options": (), "client_options": ()},
        Endpoint: by_label.__getitem__,
        model.Cell: lambda fields: (
            fields
            | {"pairing": fields, "causes": fields["letters"]}
            | {"runs": [run_fields(fields, run) for run in fields["runs"]]}
        ),
        model.Cause: lambda fields: fields | {"name": fields["letter"]},
        model.Explanation: lambda told: (
            CATALOGUE[told] if isinstance(told, str) else vars(CATALOGUE[told["name"]]) | told
        ),
        model.DiffLine: lambda fields: {"sign": fields["sign"], "text": fields["line"], "causes": fields["letters"]},
    }
    return cast(Survey, shapes.make(Survey, document, rules=rules))


def events_of(lines: object, name: str) -> tuple[Event, ...]:
    """The events that lines tell of; `name` says which lines, where they are none."""
    return parse(shapes.make(tuple[str, ...], lines, f"{name}.lines"))


def run_fields(pairing: Pairing | Document, fields: Document) -> Document:
    """What has the shape of a run, of what `run_document` has made."""
    told = {side: events_of(fields[side].get("wire", fields[side]["lines"]), side) for side in SIDES}
    return fields | {"pairing": pairing} | {side: fields[side] | {"events": told[side]} for side in SIDES}
