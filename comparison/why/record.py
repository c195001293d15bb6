"""What was found out, as JSON and back: what noticed each alteration, so that the next run need not search."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison import files, shapes
from comparison.play.processes import ROOT
from comparison.play.transports import TRANSPORTS
from comparison.scenarios import SCENARIOS
from comparison.why.statements import Alteration, Key, digest

VERSION = 1
PLACE = ROOT / "docs" / "why.json"
"""The record of the project's own programs."""


@dataclass(frozen=True)
class Evidence:
    """What noticed an alteration: a scenario over a transport, perhaps with a planted defect, on which loops, and how
    it shows. `told`: only by what is told in a log."""

    scenario: str
    transport: str
    loops: tuple[str, ...]
    reason: str
    told: bool = False
    defect: str = ""


Found = Mapping[Alteration, Evidence | None]
"""None: nothing was found that notices it."""


def read(path: Path = PLACE) -> tuple[dict[str, str], dict[Key, Evidence | None]]:
    """The digest of each program of a record, and what is known of its alterations; nothing where there is no record.
    Raises CannotCompare."""
    if not path.exists():
        return {}, {}
    with files.refused(str(path), "is no file of `compare.py why --save`", "make it anew"):
        document = files.parse(files.read(path, "a file of `compare.py why --save`"))
        if document["why"] != VERSION:
            raise ValueError("another version of this program wrote it")
        programs = document["programs"].items()
        return {file: program["digest"] for file, program in programs}, {
            (file, note["code"], note["change"], note.get("nth", 1)): (
                shapes.make(Evidence, note) if "scenario" in note else None
            )
            for file, program in programs
            for note in program["notes"]
        }


def recalled(alterations: Iterable[Alteration], sources: Mapping[str, str]) -> tuple[dict[Alteration, Evidence], Found]:
    """What has noticed which alterations before, and what certainly still holds: the program is the same."""
    digests, known = read()
    same = {file for file, source in sources.items() if digests.get(file) == digest(source)}
    before, certain = {}, dict[Alteration, Evidence | None]()
    for one in alterations:
        seen = known.get(one.key)
        if seen is not None and seen.scenario in SCENARIOS and seen.transport in TRANSPORTS:
            before[one] = seen
        if one.file in same and one.key in known and (seen is None or one in before):
            certain[one] = seen
    return before, certain


def to_json(sources: Mapping[str, str], found: Found) -> str:
    """What was found out of some programs, each with its digest; each note on a line."""
    programs = []
    for file, source in sources.items():
        notes = []
        for one, seen in found.items():
            if one.file == file:
                values = {"code": one.code, "change": one.change, "nth": one.nth, **(asdict(seen) if seen else {})}
                usual = ("nth", 1), ("told", False), ("defect", "")
                notes.append(f"  {json.dumps(dict(pair for pair in values.items() if pair not in usual))}")
        lines = ",\n".join(notes)
        programs.append(f'{json.dumps(file)}: {{"digest": "{digest(source)}", "notes": [\n{lines}\n]}}')
    return f'{{"why": {VERSION}, "programs": {{\n' + ",\n".join(programs) + "\n}}\n"
