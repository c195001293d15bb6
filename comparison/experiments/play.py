"""Runs cases, each in a process with a deadline, and again what is a surprise."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from comparison.errors import last_words
from comparison.experiments.judge import is_surprise
from comparison.experiments.model import Behaviour, Cell, Evidence
from comparison.model import Interpreter
from comparison.play.processes import Launcher
from comparison.play.workers import Workers

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
    chosen: Sequence[Cell],
    *,
    jobs: int,
    deadline_s: float = DEADLINE_S,
    tick: Callable[[], None] = lambda: None,
    played_by: str | None = None,
) -> Iterator[Evidence]:
    """What is seen of each cell, as it comes; surprises last, since each of them is run again, alone.

    With `played_by` the case of that name is run in the place of each, which a table must notice.
    """
    surprises = []
    with Launcher() as launcher:

        def run(cell: Cell, patience: float = 1.0) -> Evidence:
            words = _command(cell, played_by, PATIENCE_S * patience, deadline_s * max(1.0, patience / 5))
            return _run(launcher, cell, words, deadline_s * max(1.0, patience / 5))

        def runs(cell: Cell) -> Iterator[tuple[Cell, Evidence]]:
            yield cell, run(cell)

        with Workers(jobs) as workers:
            for cell, evidence in workers.each(runs, chosen):
                if is_surprise(evidence, cell.behaviour.known):
                    surprises.append((cell, evidence))
                    continue
                tick()
                yield evidence
        for cell, evidence in surprises:
            again = run(cell, CONFIRMING)
            tick()
            yield dataclasses.replace(again, outcomes=(*evidence.outcomes, *again.outcomes))


def _command(cell: Cell, played_by: str | None, patience_s: float, deadline_s: float) -> list[str]:
    words = [cell.python.path, "-m", cell.behaviour.page.module, "--json", "--api", cell.api, "--case", cell.case]
    words += ["--loop", cell.loop, "--patience", str(patience_s), "--deadline", str(deadline_s)]
    return [*words, "--played-by", played_by] if played_by is not None else words


def _run(launcher: Launcher, cell: Cell, command: Sequence[str], deadline_s: float) -> Evidence:
    process = launcher.start(command)
    log = process.wait(deadline_s + SPARE_S)
    process.kill()  # with what it has left behind
    launcher.forget(process)
    version = cell.python.versions.get(cell.loop.partition(":")[0], "")
    known = Evidence(cell.behaviour.name, cell.case, cell.api, cell.loop, version, cell.python.version.split()[-1])
    for line in reversed(log.lines):
        if line.startswith('{"behaviour"'):
            said = json.loads(line)
            return dataclasses.replace(
                known,
                python=said["python"],
                outcomes=(said["outcome"],) if "outcome" in said else (),
                bites=said.get("bites", ""),
                told=tuple(said["told"]),
                failed=said.get("failed", ""),
                skipped=said.get("skipped", ""),
            )
    ended = log.trouble or f"ended with exit code {log.exit_code}, and said no outcome"
    return dataclasses.replace(known, failed=": ".join(filter(None, (ended, last_words(log.lines)))))
