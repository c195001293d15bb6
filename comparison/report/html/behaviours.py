"""What is known of the APIs, the loops and the Pythons by experiments, as the data from which the page draws it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from behaviours.known import parsed
from behaviours.page import GROUPS
from comparison.experiments import view
from comparison.experiments.model import Behaviour, Finding, Survey, everything, judged, read
from comparison.layout import BLANK, Table
from comparison.play.processes import ROOT

RECORD = ROOT / "docs" / "behaviours.json"
"""What the project has kept of them."""


def collect(path: Path = RECORD) -> dict[str, Any]:
    """Each behaviour by its name; none where there is no record. Raises CannotCompare."""
    if not path.is_file():
        return {}
    seen = read([path])
    found = (judged({name: behaviour}, seen) for name, behaviour in everything().items())
    return {name: _document(survey, behaviour) for survey in found for name, behaviour in survey.behaviours.items()}


def _document(found: Survey, behaviour: Behaviour) -> dict[str, Any]:
    """What it is found by, and its page: the blocks of any view of it, and every place by itself."""
    bites = dict.fromkeys(f.bites for f in found.of(behaviour, *behaviour.traps) if f.bites)
    _, *blocks = view.page(found, behaviour)  # the first is the title
    places = [_places(found.of(behaviour, case), case) for case in behaviour.known]
    return {
        "title": behaviour.page.title,
        "group": GROUPS[behaviour.page.group],
        "apis": [view.API_NAMES[api] for api in dict.fromkeys(api for apis in behaviour.apis.values() for api in apis)],
        "bites": list(bites),
        "differs": view.predicted_by(found, behaviour),
        "blocks": [[type(block).__name__, *block] for block in (*blocks, *places) if block != BLANK],
    }


def _places(findings: Sequence[Finding], case: str) -> Table:
    """What came out of a case with each API on each loop, under one Python after the other."""
    pythons = sorted({finding.python for finding in findings}, key=parsed)
    told: dict[tuple[str, str], dict[str, str]] = {}
    for finding in findings:
        place = (view.API_NAMES[finding.api], finding.loop_and_version)
        told.setdefault(place, dict.fromkeys(pythons, "not run"))[finding.python] = finding.came_out
    rows = [[(text, "") for text in (*place, *outcomes.values())] for place, outcomes in told.items()]
    return Table([case, "loop", *pythons], rows)
