"""From the choice of endpoints to the verdicts: one comparison, or one after another."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

from comparison import endpoints
from comparison.judge import verdicts
from comparison.judge.causes import Letters
from comparison.judge.condense import condense
from comparison.model import (
    Cell,
    Comparison,
    Observation,
    Pairing,
    Run,
    Scenario,
    Transport,
)
from comparison.play import runner
from comparison.play.commands import why_not
from comparison.play.dropouts import Dropouts, hung
from comparison.play.transports import TCP
from comparison.scenarios import TUTORIAL
from comparison.selection import Selection, Trial

INTERRUPTED = "interrupted before it was run"

Keep = Callable[[Scenario, Transport, Run], None]


def compare_all(
    selection: Selection,
    chosen: Sequence[Trial],
    *,
    repeat: int = 1,
    jobs: int = 1,
    keep: Keep = lambda scenario, transport, run: None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Comparison]:
    """One comparison after another, each as soon as it is judged; a cause has the same letter in all of them. `keep`
    gets each run, `tick` is called after each, from any thread. After Ctrl-C the last one is of what was judged."""
    letters, dropouts = Letters(), Dropouts()
    if len(chosen) > 1:
        dropouts.try_servers(selection.servers, TUTORIAL, TCP, jobs)
    for trial in chosen:
        for comparison in _compare(selection, trial, repeat, jobs, letters, dropouts, keep, tick):
            if trial.scenario == TUTORIAL:
                dropouts.learn(comparison)
            yield comparison


def _compare(
    selection: Selection,
    trial: Trial,
    repeat: int,
    jobs: int,
    letters: Letters,
    dropouts: Dropouts,
    keep: Keep,
    tick: Callable[[], None],
) -> Iterator[Comparison]:
    """Run every pairing of the selection and judge it."""
    start_s = time.monotonic()
    scenario, transport = trial.scenario, trial.transport
    pairings, reference = selection.pairings(scenario), selection.reference_of(scenario)
    skipped = {pairing: why for pairing in pairings if (why := trial.skipped or _why_skipped(trial, pairing))}
    skipped |= dropouts.skipped([pairing for pairing in pairings if pairing not in skipped])
    running = [pairing for pairing in pairings if pairing not in skipped]
    observations: list[Observation] = []
    interrupted = False

    def observe(run: Run) -> None:
        keep(scenario, transport, run)
        seen = verdicts.observe(scenario, run)
        observations.append(dataclasses.replace(seen, run=condense(run)))

    plan = runner.Plan(scenario, transport, repeat, jobs, observe, tick, reference)
    try:
        turned_out = runner.run_all(plan, running)
    except KeyboardInterrupt:
        if not observations:
            raise
        interrupted, turned_out = True, dict.fromkeys(running, INTERRUPTED)
    played = {seen.run.pairing for seen in observations}
    skipped |= {pairing: why for pairing, why in turned_out.items() if pairing not in played}
    skipped |= hung(reference, plan.hanging, running)
    observations = [seen for seen in observations if seen.run.pairing not in skipped]
    running = [pairing for pairing in running if pairing not in skipped]
    if running and reference in skipped:
        reference = running[0]
    order = {pairing: place for place, pairing in enumerate(pairings)}
    observations.sort(key=lambda seen: (order[seen.run.pairing], seen.run.number))
    cells, causes, groups = verdicts.judge(scenario, observations, reference, letters) if running else ((), (), ())
    cells = (*cells, *(Cell(pairing, {}, why, (), (), 0, 0, 0) for pairing, why in skipped.items()))
    yield Comparison(
        scenario=scenario,
        transport=transport,
        environment=endpoints.environment(selection.pythons),
        endpoints=tuple(dict.fromkeys((*selection.servers, *selection.clients))),
        servers=tuple(dict.fromkeys(pairing.server for pairing in pairings)),
        clients=tuple(dict.fromkeys(pairing.client for pairing in pairings)),
        reference=reference,
        repeat=repeat,
        cells=tuple(sorted(cells, key=lambda cell: order[cell.pairing])),
        causes=causes,
        groups=groups,
        notes=(*selection.notes, *_not_judged(scenario, observations)),
        selection=selection.options,
        duration_s=time.monotonic() - start_s,
    )
    if interrupted:
        raise KeyboardInterrupt


def _not_judged(scenario: Scenario, observations: Sequence[Observation]) -> Iterator[str]:
    """What must hold and could not be looked at."""
    sound = [seen.run for seen in observations if not seen.faults]
    if (
        scenario.expects.memory_mib is not None
        and sound
        and not any(log.peak_bytes for run in sound for log in (run.server, run.client))
    ):
        yield (
            f"skipped in {scenario.name}: whether memory stays below {scenario.expects.memory_mib} MiB; "
            "this system does not tell how much a process took"
        )


def _why_skipped(trial: Trial, pairing: Pairing) -> str | None:
    """Why two endpoints cannot play this scenario; None where they can."""
    sides = [(side, pairing.end(side)) for side in trial.scenario.on_trial]
    return next((why for side, end in sides if (why := why_not(trial.scenario, trial.transport, end, side))), None)
