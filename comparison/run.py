"""From the choice of endpoints to the verdicts: one comparison, or one after another. What was played can be judged
at once, or later, from records of it."""

import contextlib
import dataclasses
import itertools
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial

from comparison import endpoints
from comparison.judge import verdicts
from comparison.judge.causes import Names
from comparison.model import SIDES, Cell, Comparison, Endpoint, Observation, Pairing, Run, Scenario, Transport, Verdict
from comparison.play import runner
from comparison.play.runner import Outcome, PlayAll, Unit, hung
from comparison.play.transports import why_not
from comparison.scenarios import TUTORIAL
from comparison.selection import Selection, Trial

INTERRUPTED = "interrupted before it was run"

Keep = Callable[[Scenario, Transport, Run], None]
Dropouts = dict[tuple[str, Endpoint], str]  # who takes no further part, as which side, and why


def compare_all(
    outlines: Sequence[Comparison],
    *,
    jobs: int = 1,
    play_all: PlayAll | None = None,
    keep: Keep | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Generator[Comparison]:
    """What comes of one outline after another, as soon as it is judged; a cause has the same name in all of them. What
    is to be run is played here, as many servers at once as `jobs`, unless it is given to something else. `keep` gets
    each run, and `tick` is called for each once its server is done. After Ctrl-C the last ones are of what was played.
    """
    names, dropouts = Names(), Dropouts()
    # What comes after the tutorial is not begun before it is judged: whoever drops out there is not tried again.
    ends = [place for place, one in enumerate(outlines, start=1) if one.scenario == TUTORIAL or place == len(outlines)]
    for begin, end in itertools.pairwise([0, *ends]):
        together = (_Playing(outline, dropouts, keep) for outline in outlines[begin:end])
        for one in _played(together, play_all or partial(runner.play_all, jobs), tick):
            found = one.judged(names)
            if found.scenario == TUTORIAL:
                learn(dropouts, found)
            yield found


def outlined(selection: Selection, trial: Trial, repeat: int = 1) -> Comparison:
    """A comparison before anything is played: its only cells are those that will not be, each with the reason."""
    scenario, pairings = trial.scenario, selection.pairings(trial.scenario)
    skipped: dict[Pairing, str] = {}
    for one, side in itertools.product(pairings, scenario.on_trial):
        if why := trial.skipped or why_not(scenario, trial.transport, one.end(side), side):
            skipped.setdefault(one, why)
    return Comparison(
        scenario=scenario,
        transport=trial.transport,
        environment=endpoints.environment(selection.pythons),
        endpoints=tuple(dict.fromkeys((*selection.servers, *selection.clients))),
        servers=tuple(dict.fromkeys(pairing.server for pairing in pairings)),
        clients=tuple(dict.fromkeys(pairing.client for pairing in pairings)),
        reference=selection.reference_of(scenario),
        repeat=repeat,
        cells=tuple(Cell(pairing, {}, why) for pairing, why in skipped.items()),
        causes=(),
        groups=(),
        notes=selection.notes,
        selection=selection.options,
        duration_s=0.0,
    )


def judged(outline: Comparison, observations: Sequence[Observation], names: Names) -> Comparison:
    """The verdicts on what was played. The cells of the outline are skipped; what else was not played was cut off."""
    scenario, order = outline.scenario, {pairing: place for place, pairing in enumerate(outline.pairings)}
    skipped = {cell.pairing: cell for cell in outline.cells}
    counted = [seen for seen in observations if seen.run.pairing not in skipped]
    counted.sort(key=lambda seen: (order[seen.run.pairing], seen.run.number))
    played = dict.fromkeys(seen.run.pairing for seen in counted)
    cut_off = [pairing for pairing in order if pairing not in skipped and pairing not in played]
    reference = outline.reference if outline.reference in played else next(iter(played), outline.reference)
    cells, causes, groups = verdicts.judge(scenario, counted, reference, names) if played else ((), (), ())
    cells = (*cells, *skipped.values(), *(Cell(pairing, {}, INTERRUPTED) for pairing in cut_off))
    notes = list(outline.notes)
    sound = [log for seen in counted if not seen.faults for log in (seen.run.server, seen.run.client)]
    if (most := scenario.expects.memory_mib) is not None and sound and not any(log.peak_bytes for log in sound):
        untold = "this system does not tell how much a process took"
        notes.append(f"skipped in {scenario.name}: whether memory stays below {most} MiB; {untold}")
    return dataclasses.replace(
        outline,
        reference=reference,
        cells=tuple(sorted(cells, key=lambda cell: order[cell.pairing])),
        causes=causes,
        groups=groups,
        notes=tuple(dict.fromkeys(notes)),
    )


def learn(dropouts: Dropouts, comparison: Comparison) -> None:
    """Of a scenario that everyone must be able to play: which servers could not start, so that no client was, and who
    failed with all whom others can play with."""
    for server in comparison.servers:
        runs = [run for cell in comparison.cells if cell.pairing.server == server for run in cell.runs]
        if runs and not any(run.client.command for run in runs):
            dropouts["server", server] = f"the server {server.label} cannot start"
    sound = [cell.pairing for cell in comparison.cells if cell.verdict not in (Verdict.FAILED, Verdict.SKIPPED)]
    partners = {side: {pairing.end(side) for pairing in sound} for side in SIDES}
    for side, other in (SIDES, SIDES[::-1]):
        failed = [cell.pairing for cell in comparison.cells if cell.verdict is Verdict.FAILED]
        for end in {one.end(side) for one in failed if one.end(other) in partners[other]} - partners[side]:
            dropouts.setdefault((side, end), f"the {side} {end.label} fails in all of tutorial")


class _Playing:
    """A comparison that is being played: every pairing that is not skipped."""

    def __init__(self, outline: Comparison, dropouts: Dropouts, keep: Keep | None) -> None:
        self._keep = keep
        out = [(one, dropouts.get((side, one.end(side)))) for side in reversed(SIDES) for one in outline.pairings]
        self._skipped = {one: why for one, why in out if why} | {cell.pairing: cell.reason for cell in outline.cells}
        self._outline = dataclasses.replace(outline, after=TUTORIAL.name if any(why for _, why in out) else "")
        self._pairings = [one for one in outline.pairings if one not in self._skipped]
        self._hanging: set[Pairing] = set()
        turns = [(one, number) for number in range(1, outline.repeat + 1) for one in self._pairings]
        self.units = runner.units(Unit(outline.scenario, outline.transport, turns, outline.reference, self._hanging))
        self._start_s = self._end_s = time.monotonic()
        self.observations: list[Observation] = []

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """What came of one of the units."""
        for outcome in outcomes:
            if isinstance(outcome, Run):
                seen = verdicts.observe(self._outline.scenario, outcome)
                if self._keep is not None:
                    self._keep(self._outline.scenario, self._outline.transport, outcome)
                self.observations.append(seen)
                if outcome.client.fate == "hung":
                    self._hanging.add(outcome.pairing)
            else:
                self._skipped.update([outcome])
        self._end_s = time.monotonic()

    def judged(self, names: Names) -> Comparison:
        """The verdicts. Whoever has been played at least once is not skipped, but for what another has shown."""
        played = {seen.run.pairing for seen in self.observations}
        skipped = {pairing: why for pairing, why in self._skipped.items() if pairing not in played}
        hanging, reference = self._hanging, self._outline.reference
        skipped |= {one: why for one in self._pairings if (why := hung(reference, hanging, one))}
        cells = tuple(Cell(pairing, {}, why) for pairing, why in skipped.items())
        took_s = round(self._end_s - self._start_s, 3)
        return judged(dataclasses.replace(self._outline, cells=cells, duration_s=took_s), self.observations, names)


def _played(comparisons: Iterable[_Playing], play_all: PlayAll, tick: Callable[[], None]) -> Iterator[_Playing]:
    """Play comparisons side by side, each begun as soon as there is room: they come in their turn as soon as they are
    over; after Ctrl-C those of which there is something to judge."""
    begun: deque[_Playing] = deque()
    whose: dict[Unit, _Playing] = {}

    def units() -> Iterator[Unit]:
        for one in comparisons:
            begun.append(one)
            whose.update(dict.fromkeys(one.units, one))
            yield from one.units

    try:
        with contextlib.closing(play_all(units())) as found:
            for unit, outcomes in found:
                whose.pop(unit).take(outcomes)
                for _ in unit.turns:
                    tick()
                while begun and begun[0] not in whose.values():
                    yield begun.popleft()
    except KeyboardInterrupt:
        while any(one.observations for one in begun):
            yield begun.popleft()
        raise
    yield from begun
