"""Saved results as one survey, in which a letter stands for one cause whatever file it comes from."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from comparison.judge.causes import Letters
from comparison.model import Comparison, Group, Survey
from comparison.report import export, words


def load(texts: Mapping[str, bytes]) -> Survey:
    """Read what `--format json` wrote, by the name of the file. Raises CannotCompare where one is something else."""
    return merge([export.from_json(text, name) for name, text in texts.items()])


def merge(surveys: Sequence[Survey]) -> Survey:
    """Several surveys as one. Each gave its letters by itself, so causes get theirs anew; of what was tried twice
    the last one counts."""
    letters = Letters()
    found = {words.name(comparison): comparison for survey in surveys for comparison in survey.comparisons}
    comparisons = tuple(_with_letters(comparison, letters) for comparison in found.values())
    otherwise = {loop: names for survey in surveys for loop, names in survey.otherwise.items()}
    return Survey(comparisons, sum(survey.duration_s for survey in surveys), otherwise)


def _with_letters(comparison: Comparison, letters: Letters) -> Comparison:
    new = {cause.letter: letters.of(cause) for cause in comparison.causes}
    return dataclasses.replace(
        comparison,
        causes=tuple(dataclasses.replace(cause, letter=new[cause.letter]) for cause in comparison.causes),
        cells=tuple(dataclasses.replace(cell, letters=_renamed(cell.letters, new)) for cell in comparison.cells),
        groups=tuple(_group(group, new) for group in comparison.groups),
    )


def _group(group: Group, new: Mapping[str, str]) -> Group:
    diff = tuple((sign, line, _renamed(letters, new)) for sign, line, letters in group.diff)
    return dataclasses.replace(group, diff=diff)


def _renamed(letters: Iterable[str], new: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted((new[letter] for letter in letters), key=lambda letter: (len(letter), letter)))
