"""Runs cases, each in a process with a deadline, and again what is a surprise."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from common.loops import packages
from comparison import shapes
from comparison.errors import last_words
from comparison.experiments.judge import judge
from comparison.experiments.model import Behaviour, Cell, Evidence, State
from comparison.model import Interpreter
from comparison.play.processes import Launcher
from comparison.play.workers import each, in_a_thread

PATIENCE_S = 0.5
"""What may not happen is waited for so long; ten times as long where a surprise is confirmed."""

CONFIRMING = 10.0
DEADLINE_S = 30.0
"""What a case gets; what it takes is some tenths of a second, and a few patiences."""

SPARE_S = 10.0
"""What a process gets beyond, to start and to say itself that its deadline has passed."""

JOBS_PER_CORE = 3
"""A case waits more than it computes."""


def cells(behaviours: Iterable[Behaviour], arms: Sequence[tuple[str, Interpreter]]) -> list[Cell]:
    """Every case of some behaviours in every API that has it, on every loop and Python."""
    return [
        Cell(behaviour, case, api, loop, python)
        for behaviour in behaviours
        for case, having in behaviour.apis.items()
        for api in having
        for loop, python in arms
    ]


def survey(
    chosen: Iterable[Cell], *, jobs: int, deadline_s: float = DEADLINE_S, tick: Callable[[], None] = lambda: None
) -> Iterator[Evidence]:
    """What is seen of each cell, as it comes; surprises last, since each of them is run again, alone and with patience:
    a machine that is too busy makes both news and failures. `tick` is called after each."""
    surprises = []
    with Launcher() as launcher:
        for cell, evidence in looks(launcher, chosen, jobs=jobs, deadline_s=deadline_s):
            if judge(evidence, cell.behaviour.known).state in (State.NEWS, State.FAILED):
                surprises.append((cell, evidence))
                continue
            tick()
            yield evidence
        for cell, evidence in surprises:
            again = _run(launcher, cell, PATIENCE_S * CONFIRMING, deadline_s * 2)
            tick()
            first = evidence.outcomes or (f"failed: {evidence.failed}",)
            yield dataclasses.replace(again, outcomes=(*first, *again.outcomes))


def looks(
    launcher: Launcher,
    chosen: Iterable[Cell],
    *,
    jobs: int,
    deadline_s: float = DEADLINE_S,
    played_by: str | None = None,
) -> Iterator[tuple[Cell, Evidence]]:
    """The first look at each cell, as it comes. With `played_by` the case of that name is run in the place of each,
    which a table must notice."""
    instead = [] if played_by is None else ["--played-by", played_by]

    def run(cell: Cell) -> Evidence:
        return _run(launcher, cell, PATIENCE_S, deadline_s, instead)

    yield from each(partial(in_a_thread, run), chosen, lambda together: len(together) <= jobs)


def version_of(loop: str, python: Interpreter) -> str:
    """The version of the package that a loop is called after; empty of asyncio."""
    return python.versions.get("".join(packages(loop)[-1:]), "")


def _run(launcher: Launcher, cell: Cell, patience_s: float, deadline_s: float, more: Sequence[str] = ()) -> Evidence:
    """One process, and what it says in its last line."""
    command = [cell.python.path, "-m", cell.behaviour.page.module, "--json", "--api", cell.api, "--case", cell.case]
    command += ["--loop", cell.loop, "--patience", str(patience_s), "--deadline", str(deadline_s), *more]
    with launcher.part() as own:  # which ends what it has left behind
        log = own.start(command).wait(deadline_s + SPARE_S)
    said = next((json.loads(line) for line in reversed(log.lines) if line.startswith('{"behaviour"')), None)
    if said is None:
        ended = log.trouble or f"ended with exit code {log.exit_code}, and said no outcome"
        said = {"failed": ": ".join(filter(None, (ended, last_words(log.lines))))}
    place = {"case": cell.case, "api": cell.api, "loop": cell.loop, "python": cell.python.version.split()[-1]}
    named = {"behaviour": cell.behaviour.name, "loop_version": version_of(cell.loop, cell.python)}
    outcomes = [said["outcome"]] if "outcome" in said else []
    evidence: Evidence = shapes.make(Evidence, place | said | named | {"outcomes": outcomes})
    return evidence
