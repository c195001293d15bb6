"""A survey -> one self-contained page. Only this module needs Jinja2; what comes from a log or a command is escaped."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from common.logs import escape
from comparison.bench import environment, view
from comparison.bench.plan import Results
from comparison.model import MIB, CannotCompare, Cell, Comparison, Pairing, Side, Survey, Verdict
from comparison.report import causes, code, explain, levels, repeat, sentence, words
from comparison.report.html import behaviours, evidence
from comparison.why.view import margin

LIMIT_BYTES = 3 * MIB

MOST_NAMED = 8
"""So many columns of the map leave room for the name of a cause in each cell."""


def render(
    survey: Survey, measured: Results | None, command: str, files: Sequence[str], limit_bytes: int = LIMIT_BYTES
) -> str:
    """The page, with as much of the logs as fits into `limit_bytes`, and what was `measured`. `command` made it of
    `files`. Raises CannotCompare where it cannot fit."""
    endpoints = list(dict.fromkeys(end for c in survey.comparisons for end in c.endpoints))
    cards, sections, sheets = causes.collect(survey), code.collect(endpoints, margin()), heat_map(survey)
    known = behaviours.collect()
    parts = {
        "found": sentence.of(survey),
        "survey": survey,
        "verdicts": list(filter(survey.count, Verdict)),
        "cards": cards,
        "sheets": sheets,
        "standings": levels.standings(survey) if len(survey.comparisons) > 1 else [],
        "behaviours": known,
        "code": sections,
        "measured": measured,
        "endpoints": endpoints,
        "command": command,
        "files": files,
    }
    data = {
        "columns": [[evidence.of_pairing(pairing) for pairing in sheet.pairings] for sheet in sheets],
        "causes": evidence.of_causes(cards),
        "code": evidence.of_code(sections),
        "behaviours": known,
    }
    for trim in evidence.TRIMS:
        text = templates().get_template("page.html").render(parts, data=evidence.collect(survey, trim) | data)
        text = text.replace(">\n<", "><")  # a browser makes a node of each line end
        size = len(text.encode(errors="backslashreplace"))
        if size <= limit_bytes:
            return text
    raise CannotCompare(
        f"the page would have {size / MIB:.1f} MiB, and {limit_bytes / MIB:g} is the most; "
        "choose fewer scenarios or endpoints"
    )


@dataclass(frozen=True)
class Sheet:
    """A part of the map: the scenarios in which the same sides are on trial, a row for each, and its columns."""

    title: str
    heads: Sequence[tuple[Side, list[tuple[str, int]]]]
    """What stands above the columns: for each side who it is, and over how many."""
    pairings: Sequence[Pairing]
    rows: Sequence[Comparison]

    def cells(self, comparison: Comparison) -> list[Cell | None]:
        """A cell for each column; None where a scenario has none."""
        found = {cell.pairing: cell for cell in comparison.cells}
        return [found.get(pairing) for pairing in self.pairings]

    def text(self, comparison: Comparison, cell: Cell) -> str:
        """The sign of a cell, how many runs were alike where not all were, and where there is room what it goes by."""
        steady = f"{cell.agreed}/{cell.repeat}" if cell.agreed < cell.repeat else ""
        roomy = len(self.pairings) <= MOST_NAMED
        names = [name for name in words.done_by(comparison) if name in cell.causes and (roomy or len(name) == 1)]
        return " ".join(filter(None, [words.SYMBOLS[cell.verdict], steady, *names]))


def heat_map(survey: Survey) -> list[Sheet]:
    """One for each kind of scenario that there is; those with what stands out come first, and so do its rows."""
    found: list[Sheet] = []
    for on_trial, title in explain.GROUPS.items():
        if own := [comparison for comparison in survey.comparisons if comparison.scenario.on_trial == on_trial]:
            pairings = list(dict.fromkeys(pairing for comparison in own for pairing in comparison.pairings))
            ends = {side: [pairing.end(side).label for pairing in pairings] for side in on_trial}
            heads = [
                (side, [(label, len(list(same))) for label, same in itertools.groupby(ends[side])]) for side in ends
            ]
            found.append(Sheet(title, heads, pairings, sorted(own, key=_calm)))
    return sorted(found, key=lambda sheet: _calm(sheet.rows[0]))


def _calm(comparison: Comparison) -> tuple[int, ...]:
    """The less of it, the more a scenario stands out: by its cells from the worst on, and by its causes."""
    counts = (-comparison.count(v) for v in (Verdict.FAILED, Verdict.DIFFERENT, Verdict.EXPLAINED, Verdict.SKIPPED))
    return (*counts, -len(words.done_by(comparison)), -len(comparison.causes))


def link(scenario: str) -> str:
    """The fragment that shows a scenario, with its transport where that is named."""
    return "#" + urlencode({"scenario": scenario}, errors="backslashreplace")


def templates() -> Environment:
    """Templates in which every text is escaped, and every character of it shows."""
    made = Environment(
        loader=PackageLoader("comparison.report.html", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    made.globals.update(words=words, causes=causes, repeat=repeat, link=link, own=_own)
    made.globals.update(anchor=code.anchor, bench=view, summary=environment.summary)
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _own(name: str) -> Markup:
    """A file of ours, which is part of the page as it stands."""
    return Markup(resources.files("comparison.report.html").joinpath("template", name).read_text("utf-8"))
