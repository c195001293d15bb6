"""What differs, a card for each cause: what it is, whose code makes it, and where it shows."""

from dataclasses import dataclass
from typing import Any

from common.logs import escape
from comparison.model import SIDES, Cause, Cell, Comparison, Pairing, Side, Survey, Verdict
from comparison.report import words
from comparison.report.html import code


@dataclass(frozen=True)
class Card:
    """One cause, over all scenarios."""

    cause: Cause
    comparison: Comparison
    """Where it shows best: the scenario that is there for it, else the one with the most pairings."""
    cells: tuple[Cell, ...]
    """The reference there, and one that shows it."""
    scenarios: tuple[Comparison, ...]
    sections: tuple[tuple[Side, str], ...]
    """Of the code that makes it, by side and label."""

    @property
    def verdict(self) -> Verdict:
        """That of a cell in which nothing else differs."""
        if self.cause.is_failure:
            return Verdict.FAILED
        if self.cause.explanation is None:
            return Verdict.DIFFERENT
        return Verdict.ALIKE if self.cause.explanation.kind == "told" else Verdict.EXPLAINED


def collect(survey: Survey) -> list[Card]:
    """What failed first, then the unexplained, what is done, and what is only told."""
    return [_card(survey, cause) for cause in words.all_causes(survey)]


def document(cards: list[Card]) -> dict[str, Any]:
    """What the page draws where a card is opened: two cells, and sections of the code by their ids."""
    return {
        card.cause.name: {
            "scenario": words.name(card.comparison),
            "cells": [[escape(cell.pairing.server.label), escape(cell.pairing.client.label)] for cell in card.cells],
            "sections": [code.anchor(side, label) for side, label in card.sections],
        }
        for card in cards
    }


def _card(survey: Survey, cause: Cause) -> Card:
    seen = [(c, own) for c in survey.comparisons for own in c.causes if own.name == cause.name]
    home = cause.explanation.scenario if cause.explanation is not None else ""
    clearest, example = max(seen, key=lambda item: (item[0].scenario.name == home, len(item[0].cells)))
    pairings = dict.fromkeys((clearest.reference, _showing(clearest, example)))
    return Card(
        cause=example,
        comparison=clearest,
        cells=tuple(cell for cell in (clearest.cell(p.server, p.client) for p in pairings) if cell.runs),
        scenarios=tuple(comparison for comparison, _ in seen),
        sections=tuple(dict.fromkeys(section for _, own in seen for section in words.sections(own))),
    )


def _showing(comparison: Comparison, cause: Cause) -> Pairing:
    """The pairing in which least but the cause differs."""
    groups = (words.clearest(comparison, cause, side) for side in SIDES)
    shown = [pairing for group in groups if group is not None for pairing in group.pairings] or cause.pairings
    return min(shown, key=lambda pairing: len(comparison.cell(pairing.server, pairing.client).causes))
