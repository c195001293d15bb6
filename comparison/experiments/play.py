"""Runs cases, each in a process with a deadline, and what is a surprise again; and what a loop has otherwise."""

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from behaviours.known import row_for
from common.loops import USUAL, packages
from comparison import shapes
from comparison.errors import last_words
from comparison.experiments.model import STANDS_IN_FOR, Behaviour, Cell, Evidence, everything, judge
from comparison.model import Interpreter
from comparison.play.processes import Launcher
from comparison.play.workers import each, in_a_thread
from comparison.progress import Progress
from comparison.selection import Selection

PATIENCE_S = 0.5  # what may not happen is waited for so long
CONFIRMING_S = 5.0  # the same where a surprise is confirmed
DEADLINE_S = 30.0  # what a case gets; what it takes is some tenths of a second, and a few patiences
HASTY_S = 5.0  # the same at a look: on a loop that hangs in most of them nobody waits for all
SPARE_S = 10.0  # what a process gets beyond, to start and to say itself that its deadline has passed
JOBS = 3 * (os.cpu_count() or 1)  # a case waits more than it computes


def cells(behaviours: Iterable[Behaviour], arms: Sequence[tuple[str, Interpreter]]) -> list[Cell]:
    """Every case of some behaviours in every API that has it, on every loop and Python."""
    return [
        Cell(behaviour, case, api, loop, python)
        for behaviour in behaviours
        for case, having in behaviour.apis.items()
        for api in having
        for loop, python in arms
    ]


def survey(chosen: Iterable[Cell], *, jobs: int, deadline_s: float = DEADLINE_S) -> Iterator[Evidence]:
    """What is seen of each cell, as it comes; surprises last, since each of them is run again, alone and with patience:
    a machine that is too busy makes both news and failures."""
    surprises = {}
    for cell, evidence in looks(chosen, jobs=jobs, deadline_s=deadline_s):
        if judge(evidence, cell.behaviour.known).is_surprise:
            surprises[cell] = evidence.outcomes or (f"failed: {evidence.failed}",)
        else:
            yield evidence
    for cell, again in looks(surprises, jobs=1, deadline_s=deadline_s * 2, patience_s=CONFIRMING_S):
        yield dataclasses.replace(again, outcomes=(*surprises[cell], *again.outcomes))


def looks(
    chosen: Iterable[Cell], *, jobs: int, deadline_s: float = DEADLINE_S, patience_s: float = PATIENCE_S
) -> Iterator[tuple[Cell, Evidence]]:
    """One look at each cell, as it comes."""
    with Launcher() as launcher:
        run = partial(_run, launcher, patience_s, deadline_s)
        yield from each(partial(in_a_thread, run), chosen, lambda together: len(together) <= jobs)


def _run(launcher: Launcher, patience_s: float, deadline_s: float, cell: Cell) -> Evidence:
    """One process, and what it says in its last line."""
    command = [cell.python.path, "-m", cell.behaviour.page.module, "--json", "--api", cell.api, "--case", cell.case]
    command += ["--loop", cell.loop, "--patience", str(patience_s), "--deadline", str(deadline_s)]
    command += ["--played-by", cell.played_by] if cell.played_by else []
    with launcher.part() as own:  # which ends what it has left behind
        log = own.start(command).wait(deadline_s + SPARE_S)
    said = next((json.loads(line) for line in reversed(log.lines) if line.startswith('{"behaviour"')), None)
    if said is None:
        ended = log.trouble or f"ended with exit code {log.exit_code}, and said no outcome"
        said = {"failed": ": ".join(filter(None, (ended, last_words(log.lines))))}
    of_whom = {"behaviour": cell.behaviour.page.name, "outcomes": [said["outcome"]] if "outcome" in said else []}
    evidence: Evidence = shapes.make(Evidence, {"case": cell.case} | dataclasses.asdict(cell.place) | said | of_whom)
    return evidence


# --- What a loop has otherwise ---
def otherwise(selection: Selection) -> dict[str, tuple[str, ...]]:
    """The behaviours that each loop has otherwise than asyncio, on the first Python that has it: of a usual loop by
    what is known, of any other as it comes out at a look."""
    arms = {}
    for loop in dict.fromkeys(end.loop for end in (*selection.servers, *selection.clients)):
        having = [python for python in selection.pythons if python.versions.keys() >= {*packages(loop)}]
        if having and loop != STANDS_IN_FOR:
            arms[loop] = having[0]
    tried = cells(everything().values(), list(arms.items()))
    found = [cell for cell in tried if cell.loop in USUAL and _is_known_otherwise(cell)]
    unknown = [cell for cell in tried if cell.loop not in USUAL]
    with Progress(len(unknown), "behaviours") as progress:
        for cell, evidence in looks(unknown, jobs=JOBS, deadline_s=HASTY_S):
            if judge(evidence, cell.behaviour.known).is_surprise:
                found.append(cell)
            progress.tick()
    return {loop: tuple(sorted({cell.behaviour.page.name for cell in found if cell.loop == loop})) for loop in arms}


def _is_known_otherwise(cell: Cell) -> bool:
    on_asyncio = dataclasses.replace(cell.place, loop=STANDS_IN_FOR, loop_version="")
    here, there = (row_for(cell.behaviour.known[cell.case], place) for place in (cell.place, on_asyncio))
    return (here and {*here.outcomes}) != (there and {*there.outcomes})
