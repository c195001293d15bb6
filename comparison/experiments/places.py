"""Which factors predict an outcome, and where each outcome is, in as few words as tell it. Pure."""

import itertools
from collections.abc import Collection, Mapping, Sequence

from behaviours.known import parsed
from behaviours.page import SECTIONS
from comparison.judge.factors import decided

FACTORS = ("API", "loop", "Python")
"""What a cell differs from another in, in the order in which a place is spoken."""

Levels = tuple[str, str, str]
"""A level of each factor."""

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
    apis, loops = (sorted({levels[n] for levels in everywhere}) for n in (0, 1))
    pythons = sorted({levels[2] for levels in everywhere}, key=parsed)
    spans = [pythons[start:end] for start, end in itertools.combinations(range(len(pythons) + 1), 2)]
    # Of each factor a level, or several Pythons in a row; what is empty stands for all.
    terms = itertools.product(["", *apis], ["", *loops], [[], *(span for span in spans if span != pythons)])
    fitting = []
    for api, loop, span in sorted(terms, key=lambda term: (sum(map(bool, term)), max(1, len(term[2])))):
        cells = {
            (cell_api, cell_loop, python)
            for cell_api, cell_loop, python in everywhere
            if api in ("", cell_api) and loop in ("", cell_loop) and (not span or python in span)
        }
        if cells and cells <= set(having):
            fitting.append((_spoken(api, loop, span, pythons), cells))
    left, spoken = set(having), []
    while left:
        words, cells = max(fitting, key=lambda found: len(found[1] & left))  # the simplest of those that say most
        left -= cells
        spoken.append(words)
    return "; ".join(spoken) or "nowhere"


def _spoken(api: str, loop: str, span: Sequence[str], pythons: Sequence[str]) -> str:
    words = " on ".join(filter(None, (API_NAMES.get(api), loop)))
    if not span:
        return words or "everywhere"
    if not loop:
        words = f"{words} on Python".removeprefix(" on ")
    first, last = _branch(span[0], pythons), _branch(span[-1], pythons)
    if len(span) == 1:
        return f"{words} {first}"
    if span[-1] == pythons[-1]:
        return f"{words} from {first}"
    return f"{words} up to {last}" if span[0] == pythons[0] else f"{words} {first} to {last}"


def _branch(version: str, pythons: Sequence[str]) -> str:
    """`3.12` where that tells which of them is meant."""
    branch = ".".join(version.split(".")[:2])
    return branch if sum(other.startswith(f"{branch}.") for other in pythons) == 1 else version
