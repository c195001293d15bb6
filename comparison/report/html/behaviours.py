"""What is known of the APIs, the loops and the Pythons by experiments, as the data from which the page draws it."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from behaviours.known import parsed
from behaviours.page import GROUPS, SECTIONS, is_none
from comparison.experiments import view
from comparison.experiments.model import REMEDY, Behaviour, Finding, Survey, everything, judged, read
from comparison.play.processes import ROOT

RECORD = ROOT / "docs" / "behaviours.json"
"""What the project has kept of them."""


def collect(path: Path = RECORD) -> dict[str, Any]:
    """Each behaviour by its name; none where there is no record. Raises CannotCompare."""
    if not path.is_file():
        return {}
    found = judged(everything(), read([path]))
    return {name: _document(found, behaviour) for name, behaviour in found.behaviours.items()}


def _document(found: Survey, behaviour: Behaviour) -> dict[str, Any]:
    page = behaviour.page
    harms = (finding.bites for finding in found.of(behaviour, *behaviour.traps))
    return {
        "title": page.title,
        "group": GROUPS[page.group],
        "apis": [view.API_NAMES[api] for api in dict.fromkeys(api for apis in behaviour.apis.values() for api in apis)],
        "bites": list(dict.fromkeys(filter(None, harms))),
        "differs": view.predicted_by(found, behaviour),
        "text": page.text,
        "instead": page.instead,
        "sources": page.sources,
        "command": f"python -m {page.module}",
        "cases": [_case(found.of(behaviour, case), behaviour, case) for case in behaviour.known],
    }


def _case(findings: Sequence[Finding], behaviour: Behaviour, case: str) -> dict[str, Any]:
    """The code in each API, what came out where, and for each API and loop under one Python after the other."""
    code = {label: behaviour.page.code.get((api, case)) for label, api in SECTIONS.items()}
    pythons = sorted({finding.python for finding in findings}, key=parsed)
    places: dict[tuple[str, str], dict[str, str]] = {}
    for finding in findings:
        place = view.API_NAMES[finding.api], finding.loop_and_version
        places.setdefault(place, {})[finding.python] = finding.came_out
    return {
        "name": "instead" if case == REMEDY else case,
        "code": [[label, text, is_none(text)] for label, text in code.items() if text is not None],
        "lines": [[first.said, where, bool(first.bites), first.told] for first, where in view.lines(findings)],
        "pythons": pythons,
        "places": [[*place, _stretches([told.get(python) for python in pythons])] for place, told in places.items()],
    }


def _stretches(outcomes: Sequence[str | None]) -> list[tuple[str, int]]:
    return [(text or "not run", len(list(same))) for text, same in itertools.groupby(outcomes)]
