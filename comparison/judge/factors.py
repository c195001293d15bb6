"""Which factors of the pairings predict what some runs have: pure computation, and the sentence that tells it."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from comparison.model import FACTORS, NO_LEVEL, OTHER, SIDES, Run, Side

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
    return decided((tuple(_level(run, factor) for factor in factors), run in having) for run in runs)


def decided(seen: Iterable[tuple[object, object]]) -> bool:
    """Whether what was seen at a place was always the same there."""
    found: dict[object, object] = {}
    return all(found.setdefault(place, outcome) == outcome for place, outcome in seen)


@dataclass(frozen=True)
class Prediction:
    """Which axes predict what some runs have, and the sentence that tells it, in two parts: what it is, and the
    rest."""

    axes: tuple[str, ...]
    what: str
    rest: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.what, self.rest)))


def computed(sign: Sign, side: Side, runs: Sequence[Run], having: set[Run]) -> Prediction:
    """What predicts which runs have a difference of `side`, as seen from the endpoint that is the cause."""
    own = own_side(side, runs)
    predicting = predictors(runs, having, own)
    if not predicting:
        return _no_factor(runs, having, own, "seen in")
    there = having if sign == "+" else set(runs) - having
    levels = {tuple(_level(run, factor) for factor in predicting[0]): run in there for run in runs}
    with_it, without = (
        _listed(level for level, present in levels.items() if present is wanted) for wanted in (True, False)
    )
    rest = "moved" if sign == "~" else f"there with {with_it}, missing with {without}"
    spoken = [_spoken(factors, own) for factors in predicting]
    if len(spoken) > 1:
        rest += f" (or by the {', '.join(spoken[1:])}: this choice of endpoints cannot tell them apart)"
    axes = tuple(_named(factors, {own: "own", OTHER[own]: "peer"}) for factors in predicting)
    return Prediction(axes, f"Predicted by the {spoken[0]} in all {len(runs)} runs", rest)


def computed_of_failure(runs: Sequence[Run], having: set[Run]) -> Prediction:
    """What predicts which runs failed in one way, by side."""
    predicting = predictors(runs, having, "server")
    if not predicting:
        return _no_factor(runs, having, "server", "in")
    axes = tuple(_named(factors, {side: side for side in SIDES}) for factors in predicting)
    levels = dict.fromkeys(tuple(_level(run, factor) for factor in predicting[0]) for run in runs if run in having)
    spoken = " and the ".join(name if side is None else f"{side}'s {name}" for side, name in predicting[0])
    rest = f"in {len(having)} of {len(runs)} runs, those with {_listed(levels)}"
    return Prediction(axes, f"Predicted by the {spoken}", rest)


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


def _named(factors: Iterable[Factor], whose: Mapping[Side, str]) -> str:
    return " and ".join(name if side is None else f"{whose[side]} {name}" for side, name in factors)


def _spoken(factors: Iterable[Factor], own: Side) -> str:
    return _named(factors, {own: "endpoint's own", OTHER[own]: "peer's"})


def _listed(levels: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(" with ".join(level) for level in levels) or "none"


def _no_factor(runs: Sequence[Run], having: set[Run], own: Side, seen: str) -> Prediction:
    """What is said where no factor predicts: the runs of one pairing disagree, they all have it, or it is odd."""
    count = f"; {seen} {len(having)} of {len(runs)} runs{_hint(own, runs, having)}"
    if not decided(((run.pairing, run.machine), run in having) for run in runs):
        return Prediction((), "Timing", f"runs of one and the same pairing disagree{count}")
    everybody = len(having) == len(runs)
    who = "With whoever takes part" if everybody else "No factor and no two together predict it"
    return Prediction((), "", f"{who}{count}")


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
                return f". The {_spoken(factors, side)} would, but for {odd}"
    return ""
