"""The parts of the report -> one self-contained page. The only module that needs Jinja2."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from common.logs import escape
from comparison.model import PARTS, CannotCompare, Cell, Comparison, Pairing, Part, Survey, Verdict
from comparison.report import repeat, words
from comparison.report.html import causes, code, evidence
from comparison.report.html.cost import Cost

LIMIT_BYTES = 3 * 1024 * 1024


@dataclass(frozen=True)
class Made:
    """How a page was made: what was typed, and the files that were read."""

    command: str
    files: tuple[str, ...]


def render(survey: Survey, cost: Cost | None, made: Made, limit_bytes: int = LIMIT_BYTES) -> str:
    """The page, with as much of the logs as fits into `limit_bytes`. Raises CannotCompare where it cannot fit."""
    for trim in evidence.TRIMS:
        text = _render(survey, cost, made, trim)
        if len(text.encode()) <= limit_bytes:
            return text
    raise CannotCompare(
        f"the page would have {len(text.encode()) / 2**20:.1f} MiB, and {limit_bytes / 2**20:g} is the most; "
        "choose fewer scenarios or endpoints"
    )


def _render(survey: Survey, cost: Cost | None, made: Made, trim: evidence.Trim) -> str:
    first = survey.comparisons[0]
    implementations = dict.fromkeys(end.implementation for c in survey.comparisons for end in c.endpoints)
    endpoints = list(dict.fromkeys(end for c in survey.comparisons for end in c.endpoints))
    return (
        environment()
        .get_template("page.html")
        .render(
            style=_own("page.css"),
            script=_own("page.js"),
            title=" and ".join(implementations),
            summary=words.closing(survey),
            comparisons=survey.comparisons,
            words=words,
            parts=PARTS,
            link=link,
            counts=counts,
            pairing=Pairing,
            causes=causes.collect(survey),
            evidence=evidence.collect(survey, trim),
            code=code.collect(endpoints, causes.by_section(survey)),
            anchor=code.anchor,
            typed=repeat.typed,
            cost=cost,
            environment=first.environment,
            notes=list(dict.fromkeys(note for c in survey.comparisons for note in c.notes)),
            endpoints=endpoints,
            made=made,
            compare=repeat.compare,
        )
    )


def link(comparison: Comparison, cell: Cell | None = None) -> str:
    """The fragment that shows a scenario, or a cell of it."""
    view = {"scenario": words.name(comparison)}
    if cell is not None:
        view |= {"server": cell.pairing.server.label, "client": cell.pairing.client.label}
    return "#" + urlencode(view, errors="backslashreplace")


def counts(comparisons: Sequence[Comparison], part: Part | None = None) -> list[tuple[Verdict, int]]:
    """How often each verdict was given: in all, or on one of the two questions."""
    found = [(verdict, sum(one.count(verdict, part) for one in comparisons)) for verdict in Verdict]
    return [(verdict, number) for verdict, number in found if number]


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
