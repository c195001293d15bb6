"""Which factors of the pairings predict what some runs have: pure computation, and the sentence that tells it."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from comparison.model import FACTORS, NO_LEVEL, OTHER, Pairing, Run, Side

Factor = tuple[Side | None, str]
MACHINE: Factor = (None, "machine")
"""Where a run was played is no side's own."""

Sign = Literal["+", "-", "~"]


def predictors(runs: Sequence[Run], having: set[Run], side: Side) -> list[tuple[Factor, ...]]:
    """The factors that predict which runs have something, those of `side` first: each that does alone, else each two
    together. What all have or none has, nothing predicts."""
    if len(having.intersection(runs)) in (0, len(runs)):
        return []
    factors: list[Factor] = [*((end, factor) for end in (side, OTHER[side]) for factor in FACTORS), MACHINE]
    varied = [factor for factor in factors if len(_levels(runs, [factor])) > 1]
    for size in (1, 2):
        found = [chosen for chosen in itertools.combinations(varied, size) if predicts(runs, having, chosen)]
        if found:
            # A program that has no loop and no Python of ours is told apart by its implementation.
            return [chosen for chosen in found if NO_LEVEL not in _levels(runs, chosen)] or found
    return []


def predicts(runs: Iterable[Run], having: Collection[Run], factors: Collection[Factor]) -> bool:
    """Whether the runs of each level of some factors together all have something, or all lack it."""
    groups: dict[tuple[str, ...], set[bool]] = defaultdict(set)
    for run in runs:
        groups[tuple(_level(run, factor) for factor in factors)].add(run in having)
    return all(len(outcomes) == 1 for outcomes in groups.values())


def computed(sign: Sign, side: Side, runs: Sequence[Run], having: set[Run]) -> tuple[tuple[str, ...], str]:
    """What predicts which runs have a difference of `side`: the axes as seen from the endpoint that is the cause, and
    a sentence."""
    own = own_side(side, runs)
    predicting = predictors(runs, having, own)
    axes = tuple(_axis(factors, own) for factors in predicting)
    if not predicting:
        return axes, f"{_no_factor(runs, having)}; seen in {len(having)} of {len(runs)} runs{_hint(own, runs, having)}"
    there = having if sign == "+" else set(runs) - having
    levels = {tuple(_level(run, factor) for factor in predicting[0]): run in there for run in runs}
    with_it, without = (
        _listed(level for level, present in levels.items() if present is wanted) for wanted in (True, False)
    )
    moved_or_there = "moved" if sign == "~" else f"there with {with_it}, missing with {without}"
    spoken = [_spoken(axis) for axis in axes]
    sentence = f"Predicted by the {spoken[0]} in all {len(runs)} runs: {moved_or_there}"
    if len(spoken) > 1:
        sentence += f" (or by the {', '.join(spoken[1:])}: this choice of endpoints cannot tell them apart)"
    return axes, sentence


def computed_of_failure(runs: Sequence[Run], having: set[Run]) -> tuple[tuple[str, ...], str]:
    """What predicts which runs failed in one way: the axes by side, and a sentence."""
    predicting = predictors(runs, having, "server")
    axes = tuple(" and ".join(" ".join(filter(None, factor)) for factor in factors) for factors in predicting)
    count = f"{len(having)} of {len(runs)} runs"
    if not predicting:
        return axes, f"{_no_factor(runs, having)}; in {count}{_hint('server', runs, having)}"
    levels = dict.fromkeys(tuple(_level(run, factor) for factor in predicting[0]) for run in runs if run in having)
    spoken = " and the ".join(name if side is None else f"{side}'s {name}" for side, name in predicting[0])
    return axes, f"Predicted by the {spoken}: in {count}, those with {_listed(levels)}"


def own_side(side: Side, runs: Iterable[Run]) -> Side:
    """Whose point of view tells what is own and what is the peer's: that of who wrote the line, and for a line of the
    engine's own sockets that of the endpoint on trial."""
    return OTHER[side] if any(run.is_raw(side) for run in runs) else side


def factors_of(axis: str, own: Side) -> tuple[Factor, ...]:
    """The factors of an axis such as `own loop and peer implementation`, as an endpoint of side `own` sees them."""
    words = [part.split() for part in axis.split(" and ")]
    return tuple((own if whose == "own" else OTHER[own], name) for whose, name in words)


def levels_of(run: Run, axis: str, own: Side) -> tuple[str, ...]:
    """The levels of the factors of an axis in a run."""
    return tuple(_level(run, factor) for factor in factors_of(axis, own))


def like(reference: Run, runs: Iterable[Run], axis: str, own: Side) -> list[Run]:
    """The runs whose machine, and whose endpoint of side `own`, is the reference's in all factors but those of the
    axis."""
    others = [MACHINE, *((own, name) for name in FACTORS if (own, name) not in factors_of(axis, own))]
    return [run for run in runs if all(_level(run, factor) == _level(reference, factor) for factor in others)]


def _levels(runs: Iterable[Run], factors: Iterable[Factor]) -> set[str]:
    return {_level(run, factor) for factor in factors for run in runs}


def _level(run: Run, factor: Factor) -> str:
    side, name = factor
    return f"machine {run.machine}" if side is None else run.pairing.end(side).level(name)


def _axis(factors: Iterable[Factor], side: Side) -> str:
    """Factors as seen from the endpoint that wrote the line: `own loop`, `peer implementation`."""
    return " and ".join(name if end is None else f"{'own' if end == side else 'peer'} {name}" for end, name in factors)


def _spoken(axis: str) -> str:
    return axis.replace("own ", "endpoint's own ").replace("peer ", "peer's ")


def _listed(levels: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(" with ".join(level) for level in levels) or "none"


def _no_factor(runs: Sequence[Run], having: set[Run]) -> str:
    """What is said where no factor predicts: the runs of one pairing disagree, they all have it, or it is odd."""
    outcomes: dict[tuple[Pairing, str], set[bool]] = defaultdict(set)
    for run in runs:
        outcomes[run.pairing, run.machine].add(run in having)
    if any(len(outcome) > 1 for outcome in outcomes.values()):
        return "Timing: runs of one and the same pairing disagree"
    return "With whoever takes part" if len(having) == len(runs) else "No factor and no two together predict it"


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
