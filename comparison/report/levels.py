"""What changes from one loop, or one Python, to another, over many scenarios: each cell held against the one that
differs from it in that alone. The verdicts are taken as they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from comparison.layout import BLANK, GAP, Block, Command, Line, Table
from comparison.model import NO_LEVEL, Cell, Comparison, Endpoint, Pairing, Survey, Verdict
from comparison.report import repeat, words

COMPARED = ("loop", "python")
SPOKEN = {"loop": "loop", "python": "Python"}
MOST_NAMES = 8

Scenarios = Mapping[str, tuple[str, ...]]
"""Scenario -> the causes that are there only here, or the reason."""


@dataclass(frozen=True)
class Standing:
    """How one level of a factor stands against the first: the scenarios that come out as they do there, and those in
    which something differs, fails or cannot be tried only here."""

    factor: str
    level: str
    against: str
    alike: tuple[str, ...]
    differs: Scenarios
    fails: Scenarios
    skipped: Scenarios


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
    found = standings(survey)
    for factor in COMPARED:
        own = [standing for standing in found if standing.factor == factor]
        if own:
            yield from _of_factor(survey, factor, own)


def _of_factor(survey: Survey, factor: str, own: Sequence[Standing]) -> Iterator[Block]:
    first = own[0].against
    yield from (BLANK, Line(f"What changes from {SPOKEN[factor]} {first} to another, in scenarios:", "bold"))
    otherwise = survey.otherwise if factor == "loop" else {}
    kinds = {"differs": Verdict.EXPLAINED, "fails": Verdict.FAILED, "skipped": Verdict.SKIPPED}
    rows = []
    for one in own:
        counts = [(kind, len(getattr(one, kind))) for kind in ("alike", *kinds)]
        spans = [(str(count), str(kinds.get(kind, Verdict.ALIKE)) if count else "dim") for kind, count in counts]
        behaviours = [(str(len(otherwise[one.level])) if one.level in otherwise else "", "")]
        rows.append([(one.level, "bold"), *spans, *behaviours * bool(otherwise)])
    yield Table([SPOKEN[factor], f"as with {first}", *kinds, *["behaviours"] * bool(otherwise)], rows)
    for one in own:
        for kind, verdict in kinds.items():
            for why, scenarios in _by_reason(getattr(one, kind)).items():
                yield Line(
                    f"{one.level} {kind} ({why}): {words.few(scenarios, MOST_NAMES)}", verdict, words.SYMBOLS[verdict]
                )
        if names := otherwise.get(one.level):
            yield Line(f"{one.level} behaves otherwise than asyncio: {words.few(names, MOST_NAMES)}", "", "^")
    yield Command(f"{GAP}How they behave", repeat.behaviours(survey.comparisons[0]))


def _by_reason(scenarios: Scenarios) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, whys in scenarios.items():
        for why in whys:
            found.setdefault(why, []).append(name)
    return found


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
    cells = {cell.pairing: cell for cell in comparison.cells}
    firsts = {_others(factor, end): end for end in comparison.endpoints if end.level(factor) == against}

    def twin(end: Endpoint) -> Endpoint | None:
        if end.level(factor) == level:
            return firsts.get(_others(factor, end))
        return end if end.level(factor) in (against, NO_LEVEL) else None

    for pairing, cell in cells.items():
        server, client = twin(pairing.server), twin(pairing.client)
        other = cells.get(Pairing(server, client)) if server is not None and client is not None else None
        if other is not None and other is not cell:
            yield cell, other


def _others(factor: str, end: Endpoint) -> tuple[str, ...]:
    """All that sets an endpoint apart but one factor."""
    return (end.implementation, *(end.level(other) for other in COMPARED if other != factor))


def _change(comparison: Comparison, cell: Cell, twin: Cell) -> tuple[str, tuple[str, ...]]:
    """What becomes of a cell, and why: the causes of something done that only one of the two has, or a reason."""
    if cell.verdict is Verdict.SKIPPED:
        return ("skipped", (cell.reason,)) if twin.verdict is not Verdict.SKIPPED else ("", ())
    here, there = ([name for name in words.done_by(comparison) if name in one.causes] for one in (cell, twin))
    new, gone = (tuple(name for name in one if name not in other) for one, other in ((here, there), (there, here)))
    if cell.verdict is Verdict.FAILED and twin.verdict is not Verdict.FAILED:
        return "fails", new
    return ("differs", new or gone) if new or gone else ("alike", ())
