"""A survey as one JSON document, and back; and so a run by itself."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from comparison import files, model, shapes
from comparison.judge.catalogue import CATALOGUE
from comparison.model import RAW, SIDES, Endpoint, Event, Run, Side, Survey
from comparison.report import levels
from comparison.transcript import line_of, parse_line

WANTED = "a file that --format json has written"

SCHEMA = 3
"""Number of the JSON layout. It grows when a field changes its meaning or goes; a new field alone does not change it.
Layout 1 held one comparison a document; layout 2 knew no cell that is the reference or differs only in what is told."""

Document = dict[str, Any]
Value = TypeVar("Value")

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
    more = {"levels": _plain(tuple(levels.standings(survey))), "exit_code": survey.exit_code}
    return head | cast(Document, _plain(survey)) | more


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
    with files.document(text, name, "schema", SCHEMA, WANTED) as document:
        survey = read(Survey, document, endpoints_of(document))
        for one in survey.comparisons:
            if set(one.pairings) != {cell.pairing for cell in one.cells}:
                raise ValueError("its cells are not those of its servers and clients")
            named = {name for cell in one.cells for name in cell.causes}
            named |= {name for group in one.groups for line in group.diff for name in line.causes}
            if not named <= {cause.name for cause in one.causes}:
                raise ValueError("a name stands for no cause")
        return survey


def endpoints_of(document: Document) -> dict[str, Endpoint]:
    """Those at the head of a document, by their labels. Raises what `files.document` is for."""
    return {end.label: end for end in shapes.make(tuple[Endpoint, ...], document["endpoints"])}


def read(kind: type[Value], document: Document, ends: Mapping[str, Endpoint]) -> Value:
    """What `document` or `run_document` has made, as a value again; `ends` are the endpoints that it names. Raises what
    `files.document` is for."""
    # What is only named, or written in another way, is put in its place.
    rules: shapes.Rules = {
        Endpoint: {RAW.label: RAW, **ends}.__getitem__,
        Event: parse_line,
        model.Comparison: lambda fields: fields | {"endpoints": tuple(ends.values())},
        model.Transport: lambda fields: fields | {"server_options": (), "client_options": ()},
        model.Cell: lambda fields: (
            fields
            | {"pairing": fields, "causes": fields["letters"]}
            | {"runs": [run | {"pairing": fields} for run in fields["runs"]]}
        ),
        model.Log: lambda fields: fields | {"events": fields.get("wire", fields["lines"])},
        model.Cause: lambda fields: fields | {"name": fields["letter"]},
        model.Explanation: lambda told: (
            CATALOGUE[told] if isinstance(told, str) else vars(CATALOGUE[told["name"]]) | told
        ),
        model.DiffLine: lambda fields: {"sign": fields["sign"], "text": fields["line"], "causes": fields["letters"]},
    }
    return cast(Value, shapes.make(kind, document, rules=rules))
