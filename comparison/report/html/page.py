"""The parts of the report -> one self-contained page. The only module that needs Jinja2; whatever comes from a log or a
command is escaped here, and in the data from which the script of the page draws."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from common.logs import escape
from comparison.model import CannotCompare, Comparison, Survey
from comparison.report import causes, levels, repeat, sentence, words
from comparison.report.html import behaviours, code, evidence, overview
from comparison.why import view

LIMIT_BYTES = 3 * 1024 * 1024
SCRIPTS = ("page.js", "code.js", "timeline.js", "evidence.js", "grid.js", "behaviours.js", "start.js")
"""In this order: each uses those before it."""


def render(
    survey: Survey, cost: Mapping[str, Any], command: str, files: Sequence[str], limit_bytes: int = LIMIT_BYTES
) -> str:
    """The page, with as much of the logs as fits into `limit_bytes`. `cost` is empty without a benchmark, and `command`
    made it of `files`. Raises CannotCompare where it cannot fit."""
    endpoints = list(dict.fromkeys(end for c in survey.comparisons for end in c.endpoints))
    cards, sections, sheets = causes.collect(survey), code.collect(endpoints, view.margin()), overview.collect(survey)
    known = behaviours.collect()
    data = {
        "columns": [[evidence.of_pairing(pairing) for pairing in sheet.pairings] for sheet in sheets],
        "causes": evidence.of_causes(cards),
        "code": evidence.of_code(sections),
        "behaviours": known,
    }
    parts = {
        "style": _own("page.css"),
        "script": Markup("\n").join(map(_own, SCRIPTS)),
        "survey": survey,
        "title": " and ".join(dict.fromkeys(end.implementation for end in endpoints)),
        "found": sentence.of(survey),
        "by_name": {words.name(comparison): comparison for comparison in survey.comparisons},
        "link": link,
        "words": words,
        "causes": causes,
        "repeat": repeat,
        "cards": cards,
        "sheets": sheets,
        "standings": levels.standings(survey) if len(survey.comparisons) > 1 else [],
        "behaviours": known,
        "code": sections,
        "anchor": code.anchor,
        "cost": cost,
        "notes": list(dict.fromkeys(note for c in survey.comparisons for note in c.notes)),
        "endpoints": endpoints,
        "command": command,
        "files": files,
    }
    for trim in evidence.TRIMS:
        text = environment().get_template("page.html").render(parts, data=evidence.collect(survey, trim) | data)
        text = text.replace(">\n<", "><")  # a browser makes a node of each line end
        size = len(text.encode(errors="backslashreplace"))
        if size <= limit_bytes:
            return text
    raise CannotCompare(
        f"the page would have {size / 2**20:.1f} MiB, and {limit_bytes / 2**20:g} is the most; "
        "choose fewer scenarios or endpoints"
    )


def link(comparison: Comparison) -> str:
    """The fragment that shows a scenario."""
    return "#" + urlencode({"scenario": words.name(comparison)}, errors="backslashreplace")


def environment() -> Environment:
    """Templates in which every text is escaped, and every character of it shows."""
    made = Environment(
        loader=PackageLoader("comparison.report.html", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _own(name: str) -> Markup:
    """A file of ours, which is part of the page as it stands."""
    return Markup(resources.files("comparison.report.html").joinpath("template", name).read_text("utf-8"))
