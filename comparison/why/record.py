"""What was found out, as JSON and back: what noticed each alteration, so that the next run need not search."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from comparison import files, shapes
from comparison.play.processes import ROOT
from comparison.scenarios import SCENARIOS
from comparison.why.statements import Alteration, Key, digest

VERSION = 1
KEPT = "a file of `compare.py why --save`"
PLACE = ROOT / "docs" / "why.json"  # the record of the project's own programs
USUAL = ("nth", 1), ("told", False), ("defect", "")  # what is not written


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


Found = Mapping[Alteration, Evidence | None]  # None: nothing was found that notices it
Known = Mapping[Key, Evidence | None]  # the same of any version of a program


def read(path: Path = PLACE) -> tuple[dict[str, str], Known]:
    """The digest of each program of a record, and what is known of its alterations; nothing where there is no record.
    Raises CannotCompare."""
    if not path.exists():
        return {}, {}
    with files.document(files.read(path, KEPT), str(path), "why", VERSION, KEPT) as document:
        digests, known = dict[str, str](), dict[Key, Evidence | None]()
        for file, program in document["programs"].items():
            digests[file] = program["digest"]
            for note in program["notes"]:
                key = file, note["code"], note["change"], note.get("nth", 1)
                known[key] = shapes.make(Evidence, note) if "scenario" in note else None
        return digests, known


def recalled(sources: Mapping[str, str]) -> tuple[Known, Known]:
    """What is known of some programs' alterations, and what of it certainly still holds: the program is the same."""
    digests, known = read()
    same = {file for file, source in sources.items() if digests.get(file) == digest(source)}
    before = {key: seen for key, seen in known.items() if seen is None or seen.scenario in SCENARIOS}
    return before, {key: seen for key, seen in before.items() if key[0] in same}


def to_json(sources: Mapping[str, str], found: Found) -> str:
    """What was found out of some programs, each with its digest; each note on a line."""
    programs = []
    for file, source in sources.items():
        notes = []
        for one, seen in found.items():
            if one.file == file:
                values = {"code": one.code, "change": one.change, "nth": one.nth} | (asdict(seen) if seen else {})
                notes.append(f"  {json.dumps(dict(pair for pair in values.items() if pair not in USUAL))}")
        lines = ",\n".join(notes)
        programs.append(f'{json.dumps(file)}: {{"digest": "{digest(source)}", "notes": [\n{lines}\n]}}')
    return f'{{"why": {VERSION}, "programs": {{\n' + ",\n".join(programs) + "\n}}\n"
