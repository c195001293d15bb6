"""Evidence as JSON, and back: what was seen, so that a later table can be held against it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from behaviours.known import parsed
from comparison import files, shapes
from comparison.experiments.model import Evidence, Finding

VERSION = 1
WHERE = ("loop", "loop_version", "python")
"""What is listed for what is otherwise the same."""


def to_json(findings: Iterable[Finding]) -> str:
    """What was seen: what is the same on several loops and Pythons stands once, and each thing on a line."""
    places: dict[str, list[list[str]]] = {}
    for finding in findings:
        values = {name: value for name, value in asdict(finding).items() if value not in ("", ())}
        place = [values.pop(name, "") for name in WHERE]
        places.setdefault(json.dumps(values), []).append(place)
    lines = [f'{text[:-1]}, "where": {json.dumps(where)}}}' for text, where in places.items()]
    return f'{{"behaviours": {VERSION}, "seen": [\n' + ",\n".join(lines) + "\n]}\n"


def read(paths: Sequence[Path]) -> list[Evidence]:
    """What some files hold; of the same place the last one counts. Raises CannotCompare."""
    found: dict[tuple[str, ...], Evidence] = {}
    for path in paths:
        with files.refused(str(path), "is no file of `compare.py behaviours --save`", "name one"):
            document = files.parse(files.read(path, "a file of `compare.py behaviours --save`"))
            if document["behaviours"] != VERSION:
                raise ValueError("another version of this program wrote it")
            for values in document["seen"]:
                for place in values["where"]:
                    evidence = shapes.make(Evidence, values | dict(zip(WHERE, place, strict=True)))
                    parsed(evidence.python)  # raises ValueError
                    if not (evidence.outcomes or evidence.failed or evidence.skipped):
                        raise ValueError(f"nothing came of {evidence.behaviour}")
                    found[evidence.behaviour, evidence.case, *evidence.levels] = evidence
    return list(found.values())
