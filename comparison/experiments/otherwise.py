"""Which behaviours a loop has otherwise than asyncio: of a usual loop by what is known, of any other at a look."""

from collections.abc import Callable, Sequence

from behaviours.known import Place, row_for
from common.loops import USUAL
from comparison.experiments.model import STANDS_IN_FOR, Behaviour, Cell, everything, judge
from comparison.experiments.play import JOBS_PER_CORE, cells, looks, version_of
from comparison.model import Interpreter

HASTY_S = 5.0
"""What a case gets here: on a loop that hangs in most of them nobody waits for all. `behaviours` takes its time."""


def to_be_run(arms: Sequence[tuple[str, Interpreter]]) -> list[Cell]:
    """The cases of the loops of which nothing is known."""
    return cells(everything().values(), [(loop, python) for loop, python in arms if loop not in USUAL])


def as_known(arms: Sequence[tuple[str, Interpreter]]) -> dict[str, tuple[str, ...]]:
    """What the tables say of the usual loops."""
    return {
        loop: tuple(sorted(name for name, each in everything().items() if _differs(each, loop, python)))
        for loop, python in arms
        if loop in USUAL and loop != STANDS_IN_FOR
    }


def seen(chosen: Sequence[Cell], cores: int, tick: Callable[[], None]) -> dict[str, tuple[str, ...]]:
    """What comes out otherwise than on asyncio, by loop."""
    found: dict[str, set[str]] = {cell.loop: set() for cell in chosen}
    for cell, evidence in looks(chosen, jobs=JOBS_PER_CORE * cores, deadline_s=HASTY_S):
        if judge(evidence, cell.behaviour.known).is_surprise:
            found[cell.loop].add(cell.behaviour.page.name)
        tick()
    return {loop: tuple(sorted(names)) for loop, names in found.items()}


def _differs(behaviour: Behaviour, loop: str, python: Interpreter) -> bool:
    def outcomes(case: str, place: Place) -> set[str]:
        row = row_for(behaviour.known[case], place)
        return {outcome.text for outcome in row.outcomes} if row is not None else set()

    version, of_python = version_of(loop, python), python.version.split()[-1]
    return any(
        outcomes(case, Place(api, loop, of_python, version)) != outcomes(case, Place(api, STANDS_IN_FOR, of_python))
        for case, apis in behaviour.apis.items()
        for api in apis
    )
