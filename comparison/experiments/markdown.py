"""Behaviours as Markdown: the whole, for `docs/behaviours.md`."""

import itertools
from collections.abc import Iterator

from behaviours.page import GROUPS
from comparison.experiments import words
from comparison.experiments.model import REMEDY, Behaviour, Survey


def render(survey: Survey) -> Iterator[str]:
    """What was found in sentences, then each behaviour, in groups."""
    yield "# How asyncio really behaves"
    for sentence in words.summary(survey):
        yield from ("", sentence)
    for line in words.unusual(survey):
        yield from ("", f"**Not as known**: {line}")
    for group, behaviours in itertools.groupby(survey.behaviours.values(), lambda behaviour: behaviour.page.group):
        yield from ("", f"## {GROUPS[group]}")
        for behaviour in behaviours:
            yield from _behaviour(survey, behaviour)


def _behaviour(survey: Survey, behaviour: Behaviour) -> Iterator[str]:
    page = behaviour.page
    path = f"../{page.module.replace('.', '/')}.py"
    yield from ("", f"### {page.title}", "", f"[`{page.name}`]({path})")
    for paragraph in page.text:
        yield from ("", paragraph)
    yield from ("", "| | outcome | where |", "| --- | --- | --- |")
    for case in behaviour.known:
        for line in words.lines(survey.of(page.name, case)):
            shown = f"{line.text}: {line.bites}" if line.bites else line.text
            yield f"| {'instead' if case == REMEDY else case.replace('_', ' ')} | {_cell(shown)} | {line.where} |"
    if page.instead:
        yield from ("", f"**Instead**: {page.instead}")
    yield from ("", f"Sources: {page.sources}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
