"""Saved results as one survey, in which a name stands for one cause whatever file it comes from."""

import dataclasses
from collections.abc import Iterable, Sequence

from comparison.judge.causes import Names, in_order
from comparison.model import Comparison, Survey
from comparison.report import words


def merge(surveys: Sequence[Survey]) -> Survey:
    """Several surveys as one. Each gave its names by itself, so causes get theirs anew; of what was tried twice
    the last one counts."""
    names = Names()
    found = {words.name(comparison): comparison for survey in surveys for comparison in survey.comparisons}
    comparisons = tuple(_renamed(comparison, names) for comparison in found.values())
    otherwise = {loop: others for survey in surveys for loop, others in survey.otherwise.items()}
    return Survey(comparisons, sum(survey.duration_s for survey in surveys), otherwise)


def _renamed(comparison: Comparison, names: Names) -> Comparison:
    new = {cause.name: names.of(cause) for cause in comparison.causes}

    def renamed(old: Iterable[str]) -> tuple[str, ...]:
        return in_order(new[name] for name in old)

    groups = (
        dataclasses.replace(
            group, diff=tuple(dataclasses.replace(line, causes=renamed(line.causes)) for line in group.diff)
        )
        for group in comparison.groups
    )
    return dataclasses.replace(
        comparison,
        causes=tuple(dataclasses.replace(cause, name=new[cause.name]) for cause in comparison.causes),
        cells=tuple(dataclasses.replace(cell, causes=renamed(cell.causes)) for cell in comparison.cells),
        groups=tuple(groups),
    )
