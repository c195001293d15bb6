"""From the choice of endpoints to the verdicts: one comparison, or one after another. What was played can be judged
at once, or later, from records of it."""

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial

from comparison import endpoints
from comparison.judge import verdicts
from comparison.judge.causes import Names
from comparison.model import Cell, Comparison, Observation, Pairing, Run, Scenario, Transport
from comparison.play import runner
from comparison.play.dropouts import Dropouts, hung
from comparison.play.runner import Outcome, PlayAll, Unit
from comparison.play.transports import why_not
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
    play_all: PlayAll | None = None,
    keep: Keep = lambda scenario, transport, run: None,
    tick: Callable[[], None] = lambda: None,
) -> Generator[Comparison]:
    """One comparison after another, each as soon as it is judged; a cause has the same name in all of them. What is to
    be run is played here, as many servers at once as `jobs`, unless it is given to something else. `keep` gets each
    run, `tick` is called after each, from any thread. After Ctrl-C the last ones are of what was played."""
    names, dropouts = Names(), Dropouts()
    together: deque[_Playing] = deque()
    for place, trial in enumerate(chosen, start=1):
        together.append(_Playing(outlined(selection, trial, repeat), dropouts))
        # What comes after the tutorial is not begun before it is judged: whoever drops out there is not tried again.
        if trial.scenario == TUTORIAL or place == len(chosen):
            for one in _played(together, play_all or partial(runner.play_all, jobs), keep, tick):
                found = one.judged(names)
                if found.scenario == TUTORIAL:
                    dropouts.learn(found)
                yield found


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


class _Playing:
    """A comparison that is being played: every pairing that is not skipped."""

    def __init__(self, outline: Comparison, dropouts: Dropouts) -> None:
        self._outline = outline
        skipped = {cell.pairing: cell.reason for cell in outline.cells}
        self._skipped = skipped | dropouts.skipped([one for one in outline.pairings if one not in skipped])
        self._pairings = [one for one in outline.pairings if one not in self._skipped]
        self._hanging: set[Pairing] = set()
        self.left = 0
        """How many units are still to come."""
        self._start_s = self._end_s = 0.0
        self.observations: list[Observation] = []

    def units(self) -> list[Unit]:
        """All that is to be played."""
        one = self._outline
        units = runner.units(one.scenario, one.transport, self._pairings, one.repeat, one.reference, self._hanging)
        self._start_s = self._end_s = time.monotonic()
        self.left = len(units)
        return units

    def take(self, outcomes: Iterable[Outcome], keep: Keep) -> None:
        """What came of one of them."""
        scenario = self._outline.scenario
        for outcome in outcomes:
            if isinstance(outcome, Run):
                seen = verdicts.observe(scenario, outcome)
                keep(scenario, self._outline.transport, outcome)
                self.observations.append(seen)
                if outcome.client.fate == "hung":
                    self._hanging.add(outcome.pairing)
            else:
                self._skipped.update([outcome])
        self.left -= 1
        self._end_s = time.monotonic()

    def judged(self, names: Names) -> Comparison:
        """The verdicts. Whoever has been played at least once is not skipped, but for what another has shown."""
        played = {seen.run.pairing for seen in self.observations}
        skipped = {pairing: why for pairing, why in self._skipped.items() if pairing not in played}
        skipped |= hung(self._outline.reference, self._hanging, self._pairings)
        cells = tuple(Cell.skipped(pairing, why) for pairing, why in skipped.items())
        found = judged(dataclasses.replace(self._outline, cells=cells), self.observations, names)
        return dataclasses.replace(found, duration_s=round(self._end_s - self._start_s, 3))


def _played(
    comparisons: deque[_Playing], play_all: PlayAll, keep: Keep, tick: Callable[[], None]
) -> Iterator[_Playing]:
    """Take comparisons out of the queue and play them side by side: each in its turn as soon as it is over; after
    Ctrl-C those of which there is something to judge."""
    begun: deque[_Playing] = deque()
    whose: dict[Unit, _Playing] = {}

    def units() -> Iterator[Unit]:
        while comparisons:
            begun.append(one := comparisons.popleft())
            for unit in one.units():
                whose[unit] = one
                yield unit

    try:
        with contextlib.closing(play_all(units(), tick)) as found:
            for unit, outcomes in found:
                whose.pop(unit).take(outcomes, keep)
                while begun and begun[0].left == 0:
                    yield begun.popleft()
    except KeyboardInterrupt:
        while any(one.observations for one in begun):
            yield begun.popleft()
        raise
    yield from begun


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
