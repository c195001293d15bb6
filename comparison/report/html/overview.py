"""The heat map: a row for each scenario, a column for each pairing, and what stands out first."""

import itertools
from dataclasses import dataclass

from comparison.model import SIDES, Cell, Comparison, Pairing, Side, Survey, Verdict
from comparison.report import words
from comparison.report.listing import GROUPS

MOST_NAMED = 8
"""So many columns leave room for the name of a cause in each cell."""


@dataclass(frozen=True)
class Sheet:
    """The scenarios in which the same sides are on trial."""

    on_trial: tuple[Side, ...]
    pairings: tuple[Pairing, ...]
    rows: tuple[Comparison, ...]

    @property
    def title(self) -> str:
        return GROUPS[self.on_trial]

    @property
    def heads(self) -> list[tuple[Side, list[tuple[str, int]]]]:
        """What stands above the columns: for each side who it is, and in how many columns."""
        ends = {side: [pairing.end(side).label for pairing in self.pairings] for side in SIDES if side in self.on_trial}
        return [(side, [(label, len(list(same))) for label, same in itertools.groupby(ends[side])]) for side in ends]

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


def collect(survey: Survey) -> list[Sheet]:
    """A sheet for each kind of scenario that there is; those with what stands out come first, and so do its rows."""
    found: list[Sheet] = []
    for on_trial in GROUPS:
        if own := [comparison for comparison in survey.comparisons if comparison.scenario.on_trial == on_trial]:
            pairings = dict.fromkeys(pairing for comparison in own for pairing in comparison.pairings)
            found.append(Sheet(on_trial, tuple(pairings), tuple(sorted(own, key=_calm))))
    return sorted(found, key=lambda sheet: _calm(sheet.rows[0]))


def _calm(comparison: Comparison) -> tuple[int, ...]:
    """The less of it, the more a scenario stands out: how many of its cells have each verdict, from the worst on, and
    how much is done for how many causes."""
    counts = (-comparison.count(v) for v in (Verdict.FAILED, Verdict.DIFFERENT, Verdict.EXPLAINED, Verdict.SKIPPED))
    return (*counts, -len(words.done_by(comparison)), -len(comparison.causes))
