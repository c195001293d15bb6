"""What differs from the reference, and which factor predicts it.

The pairings are a factorial experiment. Its factors are the implementation, the loop and the Python of each side. A
factor predicts a difference if the runs of each of its levels all have it or all lack it.
"""

import difflib
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from comparison.catalogue import CATALOGUE
from comparison.model import FACTORS, SIDES, Cause, Difference, Explanation, Pairing, ProjectedLine, Run, Side
from comparison.projection import project

Projections = Mapping[Side, tuple[ProjectedLine, ...]]
Factor = tuple[Side, str]


def projections(run: Run) -> dict[Side, tuple[ProjectedLine, ...]]:
    """What is compared of a run: the projected log of each side, and its exit code where that is not 0."""
    found: dict[Side, tuple[ProjectedLine, ...]] = {}
    for side in SIDES:
        code = run.log(side).exit_code
        ending = () if code == 0 else (ProjectedLine("exit", f"(exit code {code})"),)
        found[side] = (*project(run.events(side)), *ending)
    return found


def between(reference: Projections, projected: Projections) -> frozenset[Difference]:
    """Every line that is there, missing or moved on either side against the reference."""
    return frozenset(
        itertools.chain.from_iterable(_differences(side, reference[side], projected[side]) for side in SIDES)
    )


def _differences(
    side: Side, reference: Sequence[ProjectedLine], projected: Sequence[ProjectedLine]
) -> list[Difference]:
    counts, expected = Counter(projected), Counter(reference)
    found = []
    for line in dict.fromkeys((*reference, *projected)):
        sign: Literal["+", "-"] = "+" if counts[line] > expected[line] else "-"
        fewer, more = sorted((counts[line], expected[line]))
        found += [Difference(side, sign, line.event, line.text, nth) for nth in range(fewer + 1, more + 1)]
    # What both have, in the order of each: a line that the shortest edit takes out here and puts in there has moved.
    common = counts & expected
    here, there = _only(common, reference), _only(common, projected)
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        if tag in ("delete", "replace"):
            found += [Difference(side, "~", line.event, line.text) for line in here[start:end]]
    return found


def _only(wanted: Counter[ProjectedLine], lines: Iterable[ProjectedLine]) -> list[ProjectedLine]:
    left = Counter(wanted)
    kept = []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
            kept.append(line)
    return kept


def causes(found: Mapping[Run, frozenset[Difference]], catalogue: Mapping[str, Explanation] = CATALOGUE) -> list[Cause]:
    """Work out what predicts each difference over all runs, and look up what explains it. One cause for each event
    and prediction."""
    runs = list(found)
    alike: dict[tuple[str, tuple[str, ...], str, bool], list[Difference]] = defaultdict(list)
    for difference in sorted(set().union(*found.values())) if found else []:
        having = {run for run in runs if difference in found[run]}
        predicting = predictors(runs, having, difference.side)
        axes = tuple(_axis(factors, difference.side) for factors in predicting)
        explanation = catalogue.get(difference.event)
        # A second occurrence and a move are other events than the one that the entry is about.
        plain = difference.sign != "~" and difference.occurrence == 1
        explained = plain and explanation is not None and explanation.axis in axes
        finding = _finding(difference, predicting, runs, having)
        alike[difference.event, axes, finding, explained].append(difference)
    # The unexplained come first: they are what the reader is here for.
    keys = sorted(alike, key=lambda key: (key[3], key))
    return [
        Cause(
            letter=_letter(number),
            event=event,
            axes=axes,
            finding=finding,
            explanation=catalogue.get(event),
            explained=explained,
            differences=tuple(alike[event, axes, finding, explained]),
            pairings=_pairings(found, alike[event, axes, finding, explained]),
        )
        for number, (event, axes, finding, explained) in enumerate(keys)
    ]


def predictors(runs: Sequence[Run], having: set[Run], side: Side) -> list[tuple[Factor, ...]]:
    """The factors that predict which runs have a difference of `side`: each that does alone, else each two together."""
    other: Side = "client" if side == "server" else "server"
    factors = [(end, factor) for end in (side, other) for factor in FACTORS]
    varied = [factor for factor in factors if len({_level(run, factor) for run in runs}) > 1]
    for size in (1, 2):
        found = [chosen for chosen in itertools.combinations(varied, size) if _predicts(runs, having, chosen)]
        if found:
            return found
    return []


def _predicts(runs: Sequence[Run], having: set[Run], factors: Iterable[Factor]) -> bool:
    groups: dict[tuple[str, ...], set[bool]] = defaultdict(set)
    for run in runs:
        groups[tuple(_level(run, factor) for factor in factors)].add(run in having)
    return all(len(outcomes) == 1 for outcomes in groups.values())


def _level(run: Run, factor: Factor) -> str:
    side, name = factor
    return run.pairing.end(side).level(name)


def _axis(factors: Iterable[Factor], side: Side) -> str:
    """Factors as seen from the endpoint that wrote the line: `own loop`, `peer implementation`."""
    return " and ".join(f"{'own' if end == side else 'peer'} {name}" for end, name in factors)


def _finding(
    difference: Difference, predicting: Sequence[tuple[Factor, ...]], runs: Sequence[Run], having: set[Run]
) -> str:
    """What was computed, as a sentence."""
    if predicting:
        spoken = [_spoken(_axis(factors, difference.side)) for factors in predicting]
        there = having if difference.sign == "+" else set(runs) - having
        levels = {tuple(_level(run, factor) for factor in predicting[0]): run in there for run in runs}
        with_it, without = (
            ", ".join(" with ".join(level) for level, present in levels.items() if present is wanted)
            for wanted in (True, False)
        )
        sentence = f"Predicted by the {spoken[0]} in all {len(runs)} runs: "
        sentence += "moved" if difference.sign == "~" else f"there with {with_it}, missing with {without}"
        if len(spoken) > 1:
            sentence += f" (or by the {', '.join(spoken[1:])}: this choice of endpoints cannot tell them apart)"
        return sentence
    outcomes: dict[Pairing, set[bool]] = defaultdict(set)
    for run in runs:
        outcomes[run.pairing].add(run in having)
    seen = f"seen in {len(having)} of {len(runs)} runs"
    if any(len(outcome) > 1 for outcome in outcomes.values()):
        return f"Timing: runs of one and the same pairing disagree; {seen}"
    return f"No factor and no two together predict it; {seen}{_hint(difference.side, runs, having)}"


def _hint(side: Side, runs: Sequence[Run], having: set[Run]) -> str:
    """The one pairing to look at: the only one with the difference, or the only one that keeps a factor from
    predicting it."""
    places = {run.pairing for run in having}
    if len(places) == 1:
        return f", in {places.pop()}"
    for odd in dict.fromkeys(run.pairing for run in runs):
        others = [run for run in runs if run.pairing != odd]
        for factors in predictors(others, having & set(others), side):
            if len(factors) == 1:
                return f". The {_spoken(_axis(factors, side))} would, but for {odd}"
    return ""


def _spoken(axis: str) -> str:
    return axis.replace("own ", "endpoint's own ").replace("peer ", "peer's ")


def _pairings(found: Mapping[Run, frozenset[Difference]], wanted: Iterable[Difference]) -> tuple[Pairing, ...]:
    wanted = set(wanted)
    return tuple(dict.fromkeys(run.pairing for run, differences in found.items() if wanted & differences))


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
