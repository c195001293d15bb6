"""Behaviours in a terminal: the list of all, and the page of one."""

import itertools
import textwrap
from collections.abc import Iterator, Sequence

from behaviours.page import GROUPS, SECTIONS, Page, given_code, is_none
from comparison.experiments import words
from comparison.experiments.model import REMEDY, Behaviour, Finding, Survey

WIDTH = 100
"""Columns of text that does not go to a terminal."""

SIDE_BY_SIDE = 120
OUTCOME_WIDTH = 30


def overview(survey: Survey, width: int, only_bites: bool = False) -> Iterator[str]:
    """Sentences, then what is not as known, then each behaviour with its outcomes and where they are, in groups."""
    yield from (line for sentence in words.summary(survey) for line in _wrapped(sentence, width))
    yield from _head(survey, width)
    for group, behaviours in itertools.groupby(survey.behaviours.values(), lambda behaviour: behaviour.page.group):
        shown = [b for b in behaviours if not only_bites or words.bites(survey, b)]
        if shown:
            yield from ("", GROUPS[group].upper())
        for behaviour in shown:
            around = "+" if words.has_way_around(survey, behaviour) else " "
            *before, last = textwrap.wrap(f"{around} {behaviour.page.title}", width, subsequent_indent="  ")
            yield from before
            fits = len(last) + 2 + len(behaviour.name) <= width
            yield f"{last}{behaviour.name:>{width - len(last)}}" if fits else last
            if not fits:
                yield behaviour.name.rjust(width)
            for case in behaviour.traps:
                if len(behaviour.traps) > 1:
                    yield f"    {case.replace('_', ' ')}:"
                yield from _outcomes(survey.of(behaviour.name, case), width)
    yield ""
    yield from _wrapped(
        "! bites   + has a way around it, which worked   `compare.py behaviours NAME` is its page", width
    )


def page(survey: Survey, behaviour: Behaviour, width: int) -> Iterator[str]:
    """All about one: what happens, the code in both APIs, what came out, the way around, and the sources."""
    found = behaviour.page
    yield from _wrapped(found.title, width)
    yield "=" * min(width, len(found.title))
    for paragraph in found.text:
        yield from ("", *_wrapped(paragraph, width, ""))
    yield from _head(survey, width)
    for case in behaviour.traps:
        yield from _case(survey, behaviour, case, width)
    if found.instead:
        yield from ("", *_wrapped(f"Instead: {found.instead}", width))
    if REMEDY in behaviour.known:
        yield from _case(survey, behaviour, REMEDY, width)
    if given := given_code("\n".join(found.code.values())):
        yield from ("", "--- given by the kit, and not on trial ---", *given.splitlines())
    yield from ("", *_wrapped(f"Sources: {found.sources}", width))
    yield from _wrapped(f"By itself: python -m {found.module}", width)


def _head(survey: Survey, width: int) -> Iterator[str]:
    if unusual := words.unusual(survey):
        yield from ("", "NOT AS KNOWN")
    for line in unusual:
        yield from _wrapped(line, width)
    for note in survey.notes:
        yield from ("", *_wrapped(f"Note: {note}", width))


def _case(survey: Survey, behaviour: Behaviour, case: str, width: int) -> Iterator[str]:
    columns = [
        (label, _code(behaviour.page, api, case))
        for label, api in SECTIONS.items()
        if (api, case) in behaviour.page.code
    ]
    yield ""
    if width >= SIDE_BY_SIDE and len(columns) > 1:
        titled = [[f"--- {label}, {case.replace('_', ' ')} ---", *code] for label, code in columns]
        for left, right in itertools.zip_longest(*titled, fillvalue=""):
            yield f"{left:<{SIDE_BY_SIDE // 2}}{right}".rstrip()
    else:
        for label, code in columns:
            yield from (f"--- {label}, {case.replace('_', ' ')} ---", *code)
    yield ""
    yield from _outcomes(survey.of(behaviour.name, case), width, with_told=True)


def _code(page: Page, api: str, case: str) -> list[str]:
    code = page.code[api, case]
    reason = is_none(code)
    if reason is None:
        return code.splitlines()
    return [f"({reason or ('needs none' if case == REMEDY else 'has no such thing')})"]


def _outcomes(findings: Sequence[Finding], width: int, *, with_told: bool = False) -> Iterator[str]:
    for line in words.lines(findings):
        start = f"    {'!' if line.bites else ' '} {line.text:<{OUTCOME_WIDTH}} "
        if len(start) > 7 + OUTCOME_WIDTH:
            yield from _wrapped(start.rstrip(), width, " " * 8)
            start = " " * (7 + OUTCOME_WIDTH)
        yield from textwrap.wrap(start + line.where, width, subsequent_indent=" " * (7 + OUTCOME_WIDTH))
        if with_told and line.bites:
            yield from _wrapped(f"      so: {line.bites}", width, " " * 10)
        for told in line.told if with_told else ():
            yield from _wrapped(f"      | {told}", width, "      |   ")


def _wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    lead = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(text, width, subsequent_indent=lead + indent, break_on_hyphens=False)
