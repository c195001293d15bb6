"""From the choice of endpoints to the verdicts: one comparison, or one after another. What was played can be judged
at once, or later, from records of it."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

from comparison import endpoints
from comparison.judge import verdicts
from comparison.judge.causes import Names
from comparison.model import Cell, Comparison, Observation, Pairing, Run, Scenario, Transport
from comparison.play import runner
from comparison.play.commands import why_not
from comparison.play.dropouts import Dropouts, hung
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
    """One comparison after another, each as soon as it is judged; a cause has the same name in all of them. `keep`
    gets each run, `tick` is called after each, from any thread. After Ctrl-C the last one is of what was judged."""
    names, dropouts = Names(), Dropouts()
    for trial in chosen:
        yield from _compare(outlined(selection, trial, repeat), jobs, names, dropouts, keep, tick)


def outlined(selection: Selection, trial: Trial, repeat: int) -> Comparison:
    """A comparison before anything is played: its only cells are those that will not be, each with the reason."""
    scenario, pairings = trial.scenario, selection.pairings(trial.scenario)
    return Comparison(
        scenario=scenario,
        transport=trial.transport,
        environment=endpoints.environment(selection.pythons),
        endpoints=tuple(dict.fromkeys((*selection.servers, *selection.clients))),
        servers=tuple(dict.fromkeys(pairing.server for pairing in pairings)),
        clients=tuple(dict.fromkeys(pairing.client for pairing in pairings)),
        reference=selection.reference_of(scenario),
        repeat=repeat,
        cells=tuple(Cell.skipped(pairing, why) for pairing in pairings if (why := _why_skipped(trial, pairing))),
        causes=(),
        groups=(),
        notes=selection.notes,
        selection=selection.options,
        duration_s=0.0,
    )


def judged(outline: Comparison, observations: Sequence[Observation], names: Names) -> Comparison:
    """The verdicts on what was played. The cells of the outline are skipped; what else was not played was cut off."""
    pairings = outline.pairings
    order = {pairing: place for place, pairing in enumerate(pairings)}
    skipped = {cell.pairing: cell for cell in outline.cells}
    counted = [seen for seen in observations if seen.run.pairing not in skipped]
    counted.sort(key=lambda seen: (order[seen.run.pairing], seen.run.number))
    played = dict.fromkeys(seen.run.pairing for seen in counted)
    skipped |= {
        pairing: Cell.skipped(pairing, INTERRUPTED) for pairing in pairings if pairing not in (skipped | played)
    }
    reference = next(iter(played)) if played and outline.reference in skipped else outline.reference
    scenario = outline.scenario
    cells, causes, groups = verdicts.judge(scenario, counted, reference, names) if played else ((), (), ())
    return dataclasses.replace(
        outline,
        reference=reference,
        cells=tuple(sorted((*cells, *skipped.values()), key=lambda cell: order[cell.pairing])),
        causes=causes,
        groups=groups,
        notes=tuple(dict.fromkeys((*outline.notes, *_not_judged(scenario, counted)))),
    )


def _compare(
    outline: Comparison, jobs: int, names: Names, dropouts: Dropouts, keep: Keep, tick: Callable[[], None]
) -> Iterator[Comparison]:
    """Run every pairing that is not skipped, and judge it."""
    start_s = time.monotonic()
    scenario, transport, reference = outline.scenario, outline.transport, outline.reference
    skipped = {cell.pairing: cell.reason for cell in outline.cells}
    skipped |= dropouts.skipped([pairing for pairing in outline.pairings if pairing not in skipped])
    running = [pairing for pairing in outline.pairings if pairing not in skipped]
    observations: list[Observation] = []
    interrupted = False

    def observe(run: Run) -> None:
        seen = verdicts.observe(scenario, run)
        keep(scenario, transport, run)
        observations.append(seen)

    plan = runner.Plan(scenario, transport, outline.repeat, jobs, observe, tick, reference)
    try:
        turned_out = runner.run_all(plan, running)
    except KeyboardInterrupt:
        if not observations:
            raise
        interrupted, turned_out = True, {}
    played = {seen.run.pairing for seen in observations}
    skipped |= {pairing: why for pairing, why in turned_out.items() if pairing not in played}
    skipped |= hung(reference, plan.hanging, running)
    cells = tuple(Cell.skipped(pairing, why) for pairing, why in skipped.items())
    found = judged(dataclasses.replace(outline, cells=cells), observations, names)
    if scenario == TUTORIAL:
        dropouts.learn(found, plan.dead)
    yield dataclasses.replace(found, duration_s=round(time.monotonic() - start_s, 3))
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
    if trial.skipped is not None:
        return trial.skipped
    sides = [(side, pairing.end(side)) for side in trial.scenario.on_trial]
    return next((why for side, end in sides if (why := why_not(trial.scenario, trial.transport, end, side))), None)
