"""The parts of the report -> one self-contained page. The only module that needs Jinja2."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from common.logs import escape
from comparison.model import CannotCompare, Comparison, Survey
from comparison.report import levels, repeat, sentence, words
from comparison.report.html import behaviours, causes, code, evidence, overview
from comparison.why import view

LIMIT_BYTES = 3 * 1024 * 1024
SCRIPTS = ("page.js", "code.js", "timeline.js", "evidence.js", "grid.js", "behaviours.js", "start.js")
"""In this order: each uses those before it."""

Cost = Mapping[str, Any]
"""What `cost.collect` has made of a benchmark; empty without one."""


@dataclass(frozen=True)
class Made:
    """How a page was made: what was typed, and the files that were read."""

    command: str
    files: tuple[str, ...]


def render(survey: Survey, cost: Cost, made: Made, limit_bytes: int = LIMIT_BYTES) -> str:
    """The page, with as much of the logs as fits into `limit_bytes`. Raises CannotCompare where it cannot fit."""
    for trim in evidence.TRIMS:
        text = _render(survey, cost, made, trim).replace(">\n<", "><")  # a browser makes a node of each line end
        size = len(text.encode(errors="backslashreplace"))
        if size <= limit_bytes:
            return text
    raise CannotCompare(
        f"the page would have {size / 2**20:.1f} MiB, and {limit_bytes / 2**20:g} is the most; "
        "choose fewer scenarios or endpoints"
    )


def _render(survey: Survey, cost: Cost, made: Made, trim: evidence.Trim) -> str:
    endpoints = list(dict.fromkeys(end for c in survey.comparisons for end in c.endpoints))
    cards, sections, sheets = causes.collect(survey), code.collect(endpoints, view.margin()), overview.collect(survey)
    known = behaviours.collect()
    data = evidence.collect(survey, trim) | {
        "columns": [[[escape(p.server.label), escape(p.client.label)] for p in sheet.pairings] for sheet in sheets],
        "causes": causes.document(cards),
        "code": code.document(sections),
        "behaviours": known,
    }
    return (
        environment()
        .get_template("page.html")
        .render(
            style=_own("page.css"),
            script=Markup("\n").join(map(_own, SCRIPTS)),
            title=" and ".join(dict.fromkeys(end.implementation for end in endpoints)),
            found=sentence.of(survey),
            judged=words.judged(survey),
            steady=words.steadiness(survey),
            by_name={words.name(comparison): comparison for comparison in survey.comparisons},
            words=words,
            link=link,
            survey=survey,
            cards=cards,
            sheets=sheets,
            most=max(len(sheet.pairings) for sheet in sheets),
            standings=levels.standings(survey) if len(survey.comparisons) > 1 else [],
            behaviours=known,
            data=data,
            code=sections,
            anchor=code.anchor,
            typed=repeat.typed,
            cost=cost,
            environment=survey.comparisons[0].environment,
            notes=list(dict.fromkeys(note for c in survey.comparisons for note in c.notes)),
            endpoints=endpoints,
            made=made,
            compare=repeat.compare,
        )
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
        finalize=_visible,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _visible(value: object) -> object:
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _own(name: str) -> Markup:
    """A file of ours, which is part of the page as it stands."""
    return Markup(resources.files("comparison.report.html").joinpath("template", name).read_text("utf-8"))
