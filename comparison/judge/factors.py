"""Which factors of the pairings predict what some runs have: pure computation, and the sentence that tells it."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from comparison.model import FACTORS, NO_LEVEL, OTHER, SIDES, Run, Side, Sign

Factor = tuple[Side | None, str]
MACHINE: Factor = (None, "machine")
"""Where a run was played is no side's own."""


def predictors(runs: Sequence[Run], having: Collection[Run], side: Side) -> list[tuple[Factor, ...]]:
    """The factors that predict which runs have something, those of `side` first: each that does alone, else each two
    together, if the runs of each level all have it or all lack it. What all have or none has, nothing predicts."""
    if len({run in having for run in runs}) < 2:
        return []
    factors: list[Factor] = [*itertools.product((side, OTHER[side]), FACTORS), MACHINE]
    varied = [factor for factor in factors if len({levels(run, [factor]) for run in runs}) > 1]
    for size in (1, 2):
        found = [chosen for chosen in itertools.combinations(varied, size) if predicts(runs, having, chosen)]
        if found:
            # A program that has no loop and no Python of ours is told apart by its implementation.
            return [chosen for chosen in found if not any(NO_LEVEL in levels(run, chosen) for run in runs)] or found
    return []


def predicts(runs: Iterable[Run], having: Collection[Run], factors: Collection[Factor]) -> bool:
    """Whether the runs of each level of some factors together all have something, or all lack it."""
    return decided((levels(run, factors), run in having) for run in runs)


def decided(seen: Iterable[tuple[object, object]]) -> bool:
    """Whether what was seen at a place was always the same there."""
    found: dict[object, object] = {}
    return all(found.setdefault(place, outcome) == outcome for place, outcome in seen)


@dataclass(frozen=True)
class Prediction:
    """Which axes predict what some runs have, and the sentence that tells it, in two parts."""

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
    there: dict[bool, dict[tuple[str, ...], None]] = {True: {}, False: {}}
    for run in runs:
        there[(run in having) is (sign == "+")][levels(run, predicting[0])] = None
    rest = "moved" if sign == "~" else f"there with {_listed(there[True])}, missing with {_listed(there[False])}"
    first, *others = (_spoken(factors, own) for factors in predicting)
    if others:
        rest += f" (or by the {', '.join(others)}: this choice of endpoints cannot tell them apart)"
    axes = tuple(_named(factors, {own: "own", OTHER[own]: "peer"}) for factors in predicting)
    return Prediction(axes, f"Predicted by the {first} in all {len(runs)} runs", rest)


def computed_of_failure(runs: Sequence[Run], having: set[Run]) -> Prediction:
    """What predicts which runs failed in one way, by side."""
    predicting = predictors(runs, having, "server")
    if not predicting:
        return _no_factor(runs, having, "server", "in")
    axes = tuple(_named(factors, {side: side for side in SIDES}) for factors in predicting)
    spoken = _named(predicting[0], {side: f"{side}'s" for side in SIDES}, " and the ")
    those = dict.fromkeys(levels(run, predicting[0]) for run in runs if run in having)
    rest = f"in {len(having)} of {len(runs)} runs, those with {_listed(those)}"
    return Prediction(axes, f"Predicted by the {spoken}", rest)


def own_side(side: Side, runs: Iterable[Run]) -> Side:
    """Who calls what its own: whoever wrote the line, and for one of our own sockets the endpoint on trial."""
    return OTHER[side] if any(run.is_raw(side) for run in runs) else side


def factors_of(axis: str, own: Side) -> tuple[Factor, ...]:
    """The factors of an axis such as `own loop and peer implementation`, as an endpoint of side `own` sees them."""
    words = [part.split() for part in axis.split(" and ")]
    return tuple((own if whose == "own" else OTHER[own], name) for whose, name in words)


def levels(run: Run, factors: Iterable[Factor]) -> tuple[str, ...]:
    """The levels of some factors in a run."""
    return tuple(f"machine {run.machine}" if side is None else run.pairing.end(side).level(n) for side, n in factors)


def like(reference: Run, runs: Iterable[Run], axis: Collection[Factor], own: Side) -> set[Run]:
    """The runs whose machine and whose endpoint of side `own` are the reference's in all factors but the axis."""
    others = [MACHINE, *((own, name) for name in FACTORS if (own, name) not in axis)]
    return {run for run in runs if levels(run, others) == levels(reference, others)}


def _named(factors: Iterable[Factor], whose: Mapping[Side, str], glue: str = " and ") -> str:
    return glue.join(name if side is None else f"{whose[side]} {name}" for side, name in factors)


def _spoken(factors: Iterable[Factor], own: Side) -> str:
    return _named(factors, {own: "endpoint's own", OTHER[own]: "peer's"})


def _listed(found: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(map(" with ".join, found)) or "none"


def _no_factor(runs: Sequence[Run], having: set[Run], own: Side, seen: str) -> Prediction:
    count = f"; {seen} {len(having)} of {len(runs)} runs{_hint(own, runs, having)}"
    if not decided(((run.pairing, run.machine), run in having) for run in runs):
        return Prediction((), "Timing", f"runs of one and the same pairing disagree{count}")
    who = "With whoever takes part" if len(having) == len(runs) else "No factor and no two together predict it"
    return Prediction((), "", f"{who}{count}")


def _hint(side: Side, runs: Sequence[Run], having: set[Run]) -> str:
    """The one pairing that has it, or without which a factor would predict it."""
    places = {run.pairing for run in having}
    if len(places) == 1:
        return f", in {places.pop()}"
    for odd in dict.fromkeys(run.pairing for run in runs):
        predicting = predictors([run for run in runs if run.pairing != odd], having, side)
        if predicting and len(predicting[0]) == 1:
            return f". The {_spoken(predicting[0], side)} would, but for {odd}"
    return ""
