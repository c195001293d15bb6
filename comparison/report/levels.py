"""What changes from one loop or Python to another: each cell is held against the one that differs in that alone."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from comparison.layout import BLANK, GAP, Block, Command, Line, Table
from comparison.model import FACTORS, NO_LEVEL, Cell, Comparison, Survey, Verdict
from comparison.report import repeat, words

COMPARED = {"loop": "loop", "python": "Python"}
"""The factors, and how they are spoken of."""

KINDS = {"differs": Verdict.EXPLAINED, "fails": Verdict.FAILED, "skipped": Verdict.SKIPPED}
"""What may become of a scenario only here, and the verdict as which that is shown."""


@dataclass(frozen=True)
class Standing:
    """How one level of a factor stands against the first: the scenarios that come out alike, and those in which
    something differs, fails or cannot be tried only here, with the causes that are there only here, or the reason."""

    factor: str
    level: str
    against: str
    alike: tuple[str, ...]
    differs: Mapping[str, tuple[str, ...]]
    fails: Mapping[str, tuple[str, ...]]
    skipped: Mapping[str, tuple[str, ...]]


def standings(survey: Survey) -> list[Standing]:
    """One for each loop and each Python but the first; none where there is only one."""
    endpoints = dict.fromkeys(end for comparison in survey.comparisons for end in comparison.endpoints)
    found = []
    for factor in COMPARED:
        levels = list(dict.fromkeys(end.level(factor) for end in endpoints if end.level(factor) != NO_LEVEL))
        found += [_standing(survey, factor, level, levels[0]) for level in levels[1:]]
    return found


def blocks(survey: Survey) -> Iterator[Block]:
    """A table for each factor: a row a level, and what its numbers count, by the causes that stand above it."""
    for (factor, first), group in itertools.groupby(standings(survey), lambda one: (one.factor, one.against)):
        own, spoken, otherwise = list(group), COMPARED[factor], survey.otherwise if factor == "loop" else {}
        rows = []
        for one in own:
            counts = [(len(one.alike), Verdict.ALIKE), *((len(getattr(one, kind)), v) for kind, v in KINDS.items())]
            spans = [(str(number), str(verdict) if number else "dim") for number, verdict in counts]
            behaviours = [(str(len(otherwise[one.level])) if one.level in otherwise else "", "")] * bool(otherwise)
            rows.append([(one.level, "bold"), *spans, *behaviours])
        yield from (BLANK, Line(f"What changes from {spoken} {first} to another, in scenarios:", "bold"))
        yield Table([spoken, f"as with {first}", *KINDS, *["behaviours"] * bool(otherwise)], rows)
        for one in own:
            for kind, verdict in KINDS.items():
                scenarios = getattr(one, kind)
                for why in dict.fromkeys(why for whys in scenarios.values() for why in whys):
                    names = words.few(name for name, whys in scenarios.items() if why in whys)
                    yield words.line(verdict, f"{one.level} {kind} ({why}): {names}")
            if odd := otherwise.get(one.level):
                yield Line(f"{one.level} behaves otherwise than asyncio: {words.few(odd)}", "", "^")
        yield Command(f"{GAP}How they behave", repeat.behaviours(survey.comparisons[0]))


def _standing(survey: Survey, factor: str, level: str, against: str) -> Standing:
    kinds: dict[str, dict[str, tuple[str, ...]]] = {"fails": {}, "differs": {}, "skipped": {}, "alike": {}}
    for comparison in survey.comparisons:
        changes = [_change(comparison, cell, twin) for cell, twin in _twins(comparison, factor, level, against)]
        worst = next((kind for kind in kinds if any(own == kind for own, _ in changes)), None)
        if worst is not None:
            why = dict.fromkeys(each for kind, whys in changes if kind == worst for each in whys)
            kinds[worst][words.name(comparison)] = tuple(why)
    return Standing(factor, level, against, tuple(kinds.pop("alike")), **kinds)


def _twins(comparison: Comparison, factor: str, level: str, against: str) -> Iterator[tuple[Cell, Cell]]:
    """Each cell with this level, and the one that has the first level in its place."""
    firsts: dict[object, Cell] = {}
    for cell in comparison.cells:
        firsts[tuple(tuple(map(end.level, FACTORS)) for end in (cell.pairing.server, cell.pairing.client))] = cell
    for cell in comparison.cells:
        ends = [{name: end.level(name) for name in FACTORS} for end in (cell.pairing.server, cell.pairing.client)]
        if level in (own := {end[factor] for end in ends}) and own <= {level, against, NO_LEVEL}:
            moved = (end | {factor: against} if end[factor] == level else end for end in ends)
            if twin := firsts.get(tuple(tuple(end.values()) for end in moved)):
                yield cell, twin


def _change(comparison: Comparison, cell: Cell, twin: Cell) -> tuple[str, tuple[str, ...]]:
    """What becomes of a cell, and why: the causes of something done that only one of the two has, or a reason."""
    if cell.verdict is Verdict.SKIPPED:
        return ("skipped", (cell.reason,)) if twin.verdict is not Verdict.SKIPPED else ("", ())
    changed = tuple(name for name in words.done_by(comparison) if (name in cell.causes) != (name in twin.causes))
    new = tuple(name for name in changed if name in cell.causes)
    if cell.verdict is Verdict.FAILED and twin.verdict is not Verdict.FAILED:
        return "fails", new
    return ("differs", new or changed) if changed else ("alike", ())
