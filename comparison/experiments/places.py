"""Which factors predict an outcome, and where each outcome is, in as few words as tell it. Pure."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence

from behaviours.known import parsed
from behaviours.page import SECTIONS
from comparison.judge.factors import decided

FACTORS = ("API", "loop", "Python")
"""What a cell differs from another in, in the order in which a place is spoken."""

Levels = tuple[str, str, str]
"""A level of each factor."""

Term = tuple[tuple[str, ...] | None, ...]
"""Levels of each factor that are meant; None: whichever."""

API_NAMES = {api: label for label, api in SECTIONS.items()}


def predictors(seen: Mapping[Levels, Collection[str]]) -> tuple[str, ...] | None:
    """The smallest set of factors of which each combination of levels has one outcome, none where it is the same
    everywhere; None where only timing decides."""
    if any(len(outcomes) > 1 for outcomes in seen.values()):
        return None
    for size in range(len(FACTORS) + 1):
        for chosen in itertools.combinations(range(len(FACTORS)), size):
            if decided((tuple(levels[n] for n in chosen), set(outcomes)) for levels, outcomes in seen.items()):
                return tuple(FACTORS[index] for index in chosen)
    return None


def where(having: Collection[Levels], everywhere: Collection[Levels]) -> str:
    """The places of `having` among all, such as `Protocol on uvloop; asyncio from 3.12`."""
    pythons = sorted({levels[2] for levels in everywhere}, key=parsed)
    terms = sorted(_terms(everywhere, pythons), key=_simplicity)
    fitting = [(term, cells) for term in terms if (cells := _inside(term, everywhere)) and cells <= set(having)]
    left, spoken = set(having), []
    while left:
        term, cells = max(fitting, key=lambda found: len(found[1] & left))  # the simplest of those that say most
        left -= cells
        spoken.append(_spoken(term, pythons))
    return "; ".join(sorted(spoken, key=spoken.index)) or "nowhere"


def _terms(everywhere: Collection[Levels], pythons: Sequence[str]) -> Iterable[Term]:
    apis, loops = ({levels[index] for levels in everywhere} for index in (0, 1))
    ranges = [tuple(pythons[start:end]) for start, end in itertools.combinations(range(len(pythons) + 1), 2)]
    return itertools.product(
        [None, *((api,) for api in sorted(apis))],
        [None, *((loop,) for loop in sorted(loops))],
        [None, *(versions for versions in ranges if len(versions) < len(pythons))],
    )


def _simplicity(term: Term) -> tuple[int, int]:
    return sum(levels is not None for levels in term), sum(len(levels or ()) for levels in term)


def _inside(term: Term, everywhere: Iterable[Levels]) -> set[Levels]:
    return {
        cell
        for cell in everywhere
        if all(wanted is None or level in wanted for wanted, level in zip(term, cell, strict=True))
    }


def _spoken(term: Term, pythons: Sequence[str]) -> str:
    api, loop, versions = term
    words = " on ".join(filter(None, (API_NAMES[api[0]] if api else "", loop[0] if loop else "")))
    if versions is None:
        return words or "everywhere"
    if loop is None:
        words = f"{words} on Python".removeprefix(" on ")
    return f"{words} {_range(versions, pythons)}"


def _range(versions: Sequence[str], pythons: Sequence[str]) -> str:
    names = [_branch(version, pythons) for version in versions]
    if len(names) == 1:
        return names[0]
    if versions[-1] == pythons[-1]:
        return f"from {names[0]}"
    return f"up to {names[-1]}" if versions[0] == pythons[0] else f"{names[0]} to {names[-1]}"


def _branch(version: str, pythons: Sequence[str]) -> str:
    """`3.12` where that tells which of them is meant."""
    branch = ".".join(version.split(".")[:2])
    return branch if sum(other.startswith(f"{branch}.") for other in pythons) == 1 else version
