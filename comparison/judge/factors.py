"""Which factors of the pairings predict what some runs have: pure computation, and the sentence that tells it.

An axis is a factor as an endpoint sees it, such as `own loop`, or some of them together, as the catalogue has it:
`own implementation and own loop`.
"""

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from comparison.model import FACTORS, NO_LEVEL, OTHER, Run, Side, Sign

AND = " and "
SEEN = (*(f"{whose} {name}" for whose in ("own", "peer") for name in FACTORS), "machine")
"""All factors; where a run was played is no side's own."""


def predictors(runs: Sequence[Run], having: Collection[Run], own: Side) -> list[str]:
    """The axes that predict which runs have something, its own first: each factor that does alone, else each two
    together, if the runs of each level all have it or all lack it. What all have or none has, nothing predicts."""
    if len({run in having for run in runs}) < 2:
        return []
    varied = [one for one in SEEN if len({levels(run, one, own) for run in runs}) > 1]
    for size in (1, 2):
        axes = map(AND.join, itertools.combinations(varied, size))
        if found := [axis for axis in axes if predicts(runs, having, axis, own)]:
            # A program that has no loop and no Python of ours is told apart by its implementation.
            return [axis for axis in found if not any(NO_LEVEL in levels(run, axis, own) for run in runs)] or found
    return []


def predicts(runs: Iterable[Run], having: Collection[Run], axis: str, own: Side) -> bool:
    """Whether the runs of each level of an axis all have something, or all lack it."""
    return decided((levels(run, axis, own), run in having) for run in runs)


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
    there = _listed((run for run in runs if (run in having) is (sign == "+")), predicting[0], own)
    missing = _listed((run for run in runs if (run in having) is (sign == "-")), predicting[0], own)
    rest = "moved" if sign == "~" else f"there with {there}, missing with {missing}"
    first, *others = map(_spoken, predicting)
    if others:
        rest += f" (or by the {', '.join(others)}: this choice of endpoints cannot tell them apart)"
    return Prediction(tuple(predicting), f"Predicted by the {first} in all {len(runs)} runs", rest)


def computed_of_failure(runs: Sequence[Run], having: set[Run]) -> Prediction:
    """What predicts which runs failed in one way, by side."""
    predicting = predictors(runs, having, "server")
    if not predicting:
        return _no_factor(runs, having, "server", "in")
    axes = tuple(_spoken(axis, "server", "client") for axis in predicting)
    spoken = _spoken(predicting[0], "server's", "client's").replace(AND, f"{AND}the ")
    those = _listed((run for run in runs if run in having), predicting[0], "server")
    rest = f"in {len(having)} of {len(runs)} runs, those with {those}"
    return Prediction(axes, f"Predicted by the {spoken}", rest)


def own_side(side: Side, runs: Iterable[Run]) -> Side:
    """Who calls what its own: whoever wrote the line, and for one of our own sockets the endpoint on trial."""
    return OTHER[side] if any(run.is_raw(side) for run in runs) else side


def levels(run: Run, axis: str, own: Side) -> tuple[str, ...]:
    """The levels of the factors of an axis in a run, as the endpoint of side `own` sees them."""
    ends = {"own": run.pairing.end(own), "peer": run.pairing.end(OTHER[own])}
    words = map(str.split, axis.split(AND))
    return tuple(ends[whose].level(*name) if name else f"machine {run.machine}" for whose, *name in words)


def like(reference: Run, runs: Iterable[Run], axis: str, own: Side) -> set[Run]:
    """The runs whose machine and whose endpoint of side `own` are the reference's in all factors but the axis."""
    others = AND.join(one for one in SEEN if not one.startswith("peer") and one not in axis)
    return {run for run in runs if levels(run, others, own) == levels(reference, others, own)}


def _spoken(axis: str, own: str = "endpoint's own", peer: str = "peer's") -> str:
    """An axis in words that say whose its factors are."""
    return axis.replace("own", own).replace("peer", peer)


def _listed(runs: Iterable[Run], axis: str, own: Side) -> str:
    return ", ".join(map(" with ".join, dict.fromkeys(levels(run, axis, own) for run in runs)))


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
        if predicting and AND not in predicting[0]:
            return f". The {_spoken(predicting[0])} would, but for {odd}"
    return ""
