"""Which behaviours a loop has otherwise than asyncio: of a usual loop by what is known, of any other at a look."""

from collections.abc import Iterable

from behaviours.known import Place, row_for
from common.loops import USUAL, packages
from comparison.experiments.model import STANDS_IN_FOR, Behaviour, everything, judge
from comparison.experiments.play import JOBS, cells, looks, version_of
from comparison.model import NO_LEVEL, Interpreter
from comparison.progress import Progress
from comparison.selection import Selection

HASTY_S = 5.0
"""What a case gets here: on a loop that hangs in most of them nobody waits for all. `behaviours` takes its time."""

Names = dict[str, tuple[str, ...]]


def of(selection: Selection) -> Names:
    """The names of those that each loop but asyncio's has otherwise, on the first Python that has it."""
    loops = dict.fromkeys(end.loop for end in (*selection.servers, *selection.clients))
    having = [(loop, [p for p in selection.pythons if p.versions.keys() >= set(packages(loop))]) for loop in loops]
    arms = {loop: pythons[0] for loop, pythons in having if pythons and loop != NO_LEVEL}
    every = everything().values()
    known = {
        loop: tuple(sorted(each.page.name for each in every if _differs(each, loop, python)))
        for loop, python in arms.items()
        if loop in USUAL and loop != STANDS_IN_FOR
    }
    return known | seen({loop: python for loop, python in arms.items() if loop not in USUAL}, every)


def seen(arms: dict[str, Interpreter], behaviours: Iterable[Behaviour]) -> Names:
    """The same by loop of these, as it came out here."""
    tried = cells(behaviours, list(arms.items()))
    found: dict[str, set[str]] = {loop: set() for loop in arms}
    with Progress(len(tried), "behaviours") as progress:
        for cell, evidence in looks(tried, jobs=JOBS, deadline_s=HASTY_S):
            if judge(evidence, cell.behaviour.known).is_surprise:
                found[cell.loop].add(cell.behaviour.page.name)
            progress.tick()
    return {loop: tuple(sorted(names)) for loop, names in found.items()}


def _differs(behaviour: Behaviour, loop: str, python: Interpreter) -> bool:
    """Whether the tables say so."""

    def outcomes(case: str, place: Place) -> set[str]:
        row = row_for(behaviour.known[case], place)
        return {outcome.text for outcome in row.outcomes} if row is not None else set()

    version, of_python = version_of(loop, python), python.version.split()[-1]
    return any(
        outcomes(case, Place(api, loop, of_python, version)) != outcomes(case, Place(api, STANDS_IN_FOR, of_python))
        for case, apis in behaviour.apis.items()
        for api in apis
    )
