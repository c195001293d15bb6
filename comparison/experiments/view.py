"""Behaviours as a person reads them: the list of all, the page of one, and the pages of all."""

import itertools
from collections.abc import Iterator, Sequence

from behaviours.page import GROUPS, SECTIONS, beside, is_none
from comparison.experiments import words
from comparison.experiments.model import REMEDY, Behaviour, Finding, Survey
from comparison.layout import BLANK, Beside, Block, Code, Command, Heading, Line, Table

CODE_SIDE_BY_SIDE = 119
"""Columns that two lessons take, whose lines are never broken."""

OUTCOME_WIDTH = 30
LEGEND = "! bites   + has a way around it, which worked   `compare.py behaviours NAME` is its page"


def overview(survey: Survey, only_bites: bool = False) -> Iterator[Block]:
    """Sentences, then what is not as known, then each behaviour with its outcomes and where they are, in groups."""
    yield from _head(survey)
    for group, behaviours in _groups(survey):
        shown = [behaviour for behaviour in behaviours if not only_bites or words.bites(survey, behaviour)]
        if shown:
            yield Heading(GROUPS[group])
        for behaviour in shown:
            around = "+" if words.has_way_around(survey, behaviour) else " "
            yield Line(f"{behaviour.name}: {behaviour.page.title}", "bold", around)
            for case in behaviour.traps:
                if len(behaviour.traps) > 1:
                    yield Line(f"{words.spoken(case)}:", indent="    ")
                for line in words.lines(survey.of(behaviour.name, case)):
                    yield Line(f"{line.text:<{OUTCOME_WIDTH}} {line.where}", "", "!" if line.bites else " ", "    ")
    yield from (BLANK, Line(LEGEND, "hint"))


def page(survey: Survey, behaviour: Behaviour) -> Iterator[Block]:
    """All about one: what happens, the code in both APIs, what came out, the way around, and the sources."""
    found = behaviour.page
    yield Line(found.title, "bold")
    for paragraph in found.text:
        yield from (BLANK, Line(paragraph, "prose"))
    for text in (*words.unusual(survey), *(f"Note: {note}" for note in survey.notes)):
        yield from (BLANK, Line(text, "note"))
    for case in behaviour.traps:
        yield from (BLANK, _code(behaviour, case), BLANK, *_outcomes(survey.of(behaviour.name, case)))
    if found.instead:
        yield from (BLANK, Line(f"Instead: {found.instead}", "prose"))
    if REMEDY in behaviour.known:
        yield from (BLANK, _code(behaviour, REMEDY), BLANK, *_outcomes(survey.of(behaviour.name, REMEDY)))
    if used := beside(found):
        yield from (BLANK, Line("What the code uses, and is not on trial:"), Code(used.splitlines(), "python"))
    yield from (BLANK, Line(f"Sources: {found.sources}", "prose"), Command("By itself", f"python -m {found.module}"))


def whole(survey: Survey) -> Iterator[Block]:
    """All that was found, each behaviour with its text and without its code."""
    yield from _head(survey)
    for group, behaviours in _groups(survey):
        yield Heading(GROUPS[group])
        for behaviour in behaviours:
            found = behaviour.page
            yield Heading(found.title, 3)
            yield from (Line(paragraph, "prose") for paragraph in found.text)
            rows = [
                [(words.spoken(case), ""), ("!" if line.bites else "", ""), (line.said, ""), (line.where, "")]
                for case in behaviour.known
                for line in words.lines(survey.of(behaviour.name, case))
            ]
            yield Table(["case", "", "outcome", "where"], rows)
            if found.instead:
                yield Line(f"Instead: {found.instead}", "prose")
            yield Line(f"Sources: {found.sources}", "prose")
            yield Command("Its page, with the code", f"python compare.py behaviours {found.name}")


def _groups(survey: Survey) -> Iterator[tuple[str, Iterator[Behaviour]]]:
    return itertools.groupby(survey.behaviours.values(), lambda behaviour: behaviour.page.group)


def _head(survey: Survey) -> Iterator[Block]:
    what_ran, *more = words.summary(survey)
    yield from (Line(what_ran, "title"), *map(Line, more))
    if unusual := words.unusual(survey):
        yield Heading("Not as known")
        yield from (Line(text, "-", "x") for text in unusual)
    yield from (Line(f"Note: {note}", "note") for note in survey.notes)


def _code(behaviour: Behaviour, case: str) -> Beside:
    columns = [(label, (api, case)) for label, api in SECTIONS.items() if (api, case) in behaviour.page.code]
    titles, texts = [], []
    for label, part in columns:
        code = behaviour.page.code[part]
        reason = is_none(code)
        nothing = reason or ("needs none" if case == REMEDY else "has no such thing")
        titles.append(f"{label}, {words.spoken(case)}")
        texts.append(code.splitlines() if reason is None else [f"({nothing})"])
    return Beside(titles, texts, from_width=CODE_SIDE_BY_SIDE)


def _outcomes(findings: Sequence[Finding]) -> Iterator[Block]:
    """What came out, where, and what was told in the first of these places."""
    for line in words.lines(findings):
        yield Line(f"{line.said}: {line.where}", "", "!" if line.bites else "=")
        yield from (Line(told, "dim", "|", "  ") for told in line.first.told)
