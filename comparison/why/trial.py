"""Let altered copies of the programs take part, and find out what notices each alteration.

A copy is a program of its own beside a link to `common`. It is held against the program as it is, on the same loop, in
the same scenario, so that whatever differs comes from the alteration. The other side is always sound.
"""

import dataclasses
import re
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison import files
from comparison.endpoints import IMPLEMENTATIONS
from comparison.judge import differences, verdicts
from comparison.model import RAW, SIDES, Endpoint, Observation, Pairing, ProjectedLine, Run, Scenario, Side
from comparison.play import runner
from comparison.play.processes import ROOT
from comparison.play.transports import TRANSPORTS
from comparison.programs import source_of
from comparison.scenarios import TUTORIAL
from comparison.selection import Selection, Trial, trials
from comparison.why.defects import DEFECTS
from comparison.why.record import Evidence
from comparison.why.statements import Alteration, written_anew

LEAST_S = 2.0
PATIENCE = 5
"""A run is cut when it takes so many times as long as that of the program as it is, and LEAST_S at least."""

CONFIRMED = 3
"""How often what shows on one loop only is played again: a race that is lost now and then is no reason."""

SHORT_GRACE = ("--grace", "0.2")
"""What nobody asks for: an altered server that keeps its connections is not waited for."""

SHOW_DEFECTS = (
    TUTORIAL.name,
    "says-nothing",
    "client-timeout",
    "reads-nothing",
    "resets-in-a-pause",
    "reset-before-sending",
)
"""The scenarios that are played with planted defects."""

DEAR_BYTES = 16 * 2**20
MANY = 100
"""What is dear: so many bytes or connections."""

SPINS, NEVER_ENDS = f"exited with -{signal.SIGALRM}", "never ends"

PASSING = re.compile(r'"[^"]*", line \d+|<(?!\w+>)[^<>]*(?:<[^<>]*>[^<>]*)*>|\^+$')
"""What a log has that is another in each copy, process and run: places in files, objects with their state."""

SIGNS = {"-": "does not tell", "+": "tells", "~": "tells in another place"}


@dataclass(frozen=True)
class Ground:
    """A scenario over a transport, perhaps with a planted defect."""

    trial: Trial
    defect: str = ""

    @property
    def name(self) -> tuple[str, str, str]:
        return self.trial.scenario.name, self.trial.transport.name, self.defect


def grounds() -> list[Ground]:
    """All on which something may be noticed here, what is dear last: each scenario over what it usually runs over, the
    first one over everything, and with each planted defect."""
    everything = [*trials(["all"], None), *trials([TUTORIAL.name], list(TRANSPORTS)[1:])]
    usual = [Ground(trial) for trial in everything if trial.skipped is None]
    showing = trials(SHOW_DEFECTS, ["tcp", "tls"])
    planted = [Ground(trial, defect) for defect in DEFECTS for trial in showing if trial.skipped is None]
    return sorted((*usual, *planted), key=lambda ground: is_dear(ground.trial))


def is_dear(trial: Trial) -> bool:
    return trial.scenario.length > DEAR_BYTES or trial.scenario.connections >= MANY


def programs() -> dict[str, Side]:
    """The files of the implementations, and which side each is."""
    found: dict[str, Side] = {}
    for commands in IMPLEMENTATIONS.values():
        for side in SIDES:
            if (path := source_of(commands.server if side == "server" else commands.client)) is not None:
                found[path.as_posix()] = side
    return found


def command_of(end: Endpoint, side: Side) -> tuple[str, ...]:
    return end.server_command if side == "server" else end.client_command


def search(
    chosen: Sequence[Alteration],
    sources: Mapping[str, str],
    known: Mapping[Alteration, Evidence],
    selection: Selection,
    jobs: int,
) -> Iterator[tuple[Alteration, Evidence | None]]:
    """What notices each alteration, as it is found out; None where nothing does. What has noticed it before is tried
    first, until it has done so on the same loops; then what has noticed most others, and what is cheap. Of what is
    known only where this machine lacks what it takes, the old evidence stands."""
    left = {ground.name: ground for ground in grounds()}
    pending = dict.fromkeys(chosen)
    before = defaultdict[tuple[str, str, str], list[Alteration]](list)
    for alteration in pending:
        if (seen := known.get(alteration)) is not None:
            before[seen.scenario, seen.transport, seen.defect].append(alteration)
    with tempfile.TemporaryDirectory(prefix="why-") as folder:
        arena = Arena(selection, sources, Path(folder), jobs)
        caught = Counter[tuple[str, str, str]]()
        for name, those in before.items():
            can_be_tried = [one for one in those if name in left and not arena.loops.isdisjoint(known[one].loops)]
            found: dict[Alteration, Evidence] = {}
            seen_on = {one: set[str]() for one in can_be_tried}
            for _ in range(CONFIRMED):  # where the machine was too busy to tell, it says nothing
                unseen = [one for one in can_be_tried if not arena.loops & {*known[one].loops} <= seen_on[one]]
                for one, seen in (arena.noticed(left[name], unseen) if unseen else {}).items():
                    seen_on[one].update(seen.loops)
                    found[one] = dataclasses.replace(seen, loops=tuple(sorted(seen_on[one])))
            found |= {one: known[one] for one in those if one not in can_be_tried}
            caught[name] += len(found)
            yield from found.items()
            pending = {one: None for one in pending if one not in found}
        while pending and left:
            ground = left.pop(max(left, key=lambda name: caught[name]))
            found = arena.noticed(ground, pending)
            for _ in range(CONFIRMED):
                if once := [one for one, seen in found.items() if len(seen.loops) == 1]:
                    again = arena.noticed(ground, once, patience=2 * PATIENCE)
                    found = {
                        one: again.get(one, seen) for one, seen in found.items() if one in again or one not in once
                    }
            caught[ground.name] += len(found)
            yield from found.items()
            pending = {one: None for one in pending if one not in found}
    yield from ((alteration, None) for alteration in pending)


class Arena:
    """Plays copies of programs, which lie in `folder`, as they are and altered."""

    def __init__(self, selection: Selection, sources: Mapping[str, str], folder: Path, jobs: int) -> None:
        self._sources = {file: written_anew(source) for file, source in sources.items()}
        self._folder, self._jobs = folder, jobs
        self._ends = {(file, end.loop): end for file, _, end in _ends(selection)}
        self._sides = programs()
        self._copies: dict[str, Path] = {}
        self.loops = {loop for _, loop in self._ends}

    def noticed(
        self, ground: Ground, alterations: Iterable[Alteration], patience: int = PATIENCE
    ) -> dict[Alteration, Evidence]:
        """Which of the alterations show on this ground, and how."""
        those = [one for one in alterations if self._sides[one.file] in ground.trial.scenario.on_trial]
        start_s = time.monotonic()
        usual = self._play(ground, {(one.file, self._sources[one.file]) for one in those})
        each_s = (time.monotonic() - start_s) * self._jobs / max(1, len(usual))
        altered = self._play(
            ground, {(one.file, one.source) for one in those}, max(LEAST_S, round(each_s * patience, 1))
        )
        usual_of = {(file, loop): seen for (file, _, loop), seen in usual.items()}
        found = {}
        for one in those:
            signs = {}
            for loop in sorted(self.loops):
                as_it_is, seen = usual_of.get((one.file, loop)), altered.get((one.file, one.source, loop))
                planted = self._sides[one.file] if ground.defect else None
                if as_it_is and seen and (sign := difference(as_it_is, seen, planted)):
                    signs[loop] = sign
            if signs:
                reason, told = min(signs.values(), key=lambda sign: sign[1])
                found[one] = Evidence(*ground.name[:2], tuple(signs), reason, told, ground.defect)
        return found

    def _play(
        self, ground: Ground, programs: Iterable[tuple[str, str]], deadline_s: float | None = None
    ) -> dict[tuple[str, str, str], Observation]:
        """What comes of each file with a source, on each loop."""
        scenario = ground.trial.scenario
        scenario = dataclasses.replace(scenario, server_options=(*SHORT_GRACE, *scenario.server_options))
        if deadline_s is not None:
            scenario = dataclasses.replace(scenario, deadline_s=deadline_s)
        whose, found = {}, dict[tuple[str, str, str], Observation]()
        for file, source in sorted(programs):
            for loop in sorted(self.loops):
                if (end := self._ends.get((file, loop))) is not None:
                    before = DEFECTS.get(ground.defect, "")
                    if deadline_s is not None:  # one that spins does not heed SIGTERM
                        before = f"import signal\n\nsignal.alarm({round(2 * deadline_s)})\n{before}"
                    pairing = self._pairing(end, file, before + source, scenario)
                    whose[pairing] = file, source, loop

        units = runner.units(scenario, ground.trial.transport, list(whose))
        for run in (one for _, outcomes in runner.play_all(self._jobs, units) for one in outcomes):
            if isinstance(run, Run):
                found[whose[run.pairing]] = verdicts.observe(scenario, run)
        return found

    def _pairing(self, end: Endpoint, file: str, source: str, scenario: Scenario) -> Pairing:
        """A copy of a program with the sound other side, which is the engine itself where there is a script."""
        side = self._sides[file]
        # Under its own name, which it tells in errors, in a folder of its own.
        copy = self._copies.setdefault(source, self._folder / str(len(self._copies)) / Path(file).name)
        if not copy.exists():
            copy.parent.mkdir()
            (copy.parent / "common").symlink_to(ROOT / "common", target_is_directory=True)
            files.write(copy, source)
        python, _, _, *options = command_of(end, side)
        label = f"{end.label} {copy.parent.name}"
        command = (python, str(copy), *options)
        changed = dataclasses.replace(end, label=label, server_command=command, client_command=command)
        # A server takes its clients one after another: of those that hang each would hold up all others.
        other = dataclasses.replace(end, label=f"{end.label} {int(copy.parent.name) % self._jobs}")
        other = RAW if scenario.script is not None else other
        return Pairing(changed, other) if side == "server" else Pairing(other, changed)


def _ends(selection: Selection) -> Iterator[tuple[str, Side, Endpoint]]:
    """The file of each endpoint of this project on each side."""
    for end in dict.fromkeys((*selection.servers, *selection.clients)):
        for side in SIDES:
            if (path := source_of(command_of(end, side))) is not None:
                yield path.as_posix(), side, end


def difference(usual: Observation, seen: Observation, planted: Side | None = None) -> tuple[str, bool] | None:
    """How an altered program shows against the program as it is, and whether only in what it tells; None where it does
    not. Where a defect is `planted` in a side both fail, and how much a program on the other one gets done is a matter
    of luck: what counts is how both end, what this one tells, and what the engine sees where it plays the other."""
    if planted is None:
        if usual.faults:
            return None  # the machine is too busy, or something is wrong already
        for fault in seen.faults:
            return PASSING.sub("", fault.text.replace(SPINS, NEVER_ENDS)), False
    for side in SIDES:
        as_it_is, log = usual.run.log(side), seen.run.log(side)
        if (log.fate, log.exit_code) != (as_it_is.fate, as_it_is.exit_code):
            return f"{side} {log.trouble or f'exited with {log.exit_code}'.replace(SPINS, NEVER_ENDS)}", False
    found = differences.between(_lasting(usual), _lasting(seen))
    told = [one for one in found if planted in (None, one.side) or seen.run.is_raw(one.side)]
    for one in sorted(told, key=lambda one: (not seen.run.is_raw(one.side), one.text.startswith(" "))):
        return f"{one.side} {SIGNS[one.sign]} {one.text!r}", not seen.run.is_raw(one.side)
    return None


def _lasting(seen: Observation) -> dict[Side, tuple[ProjectedLine, ...]]:
    """What is compared, without what is another each time."""
    return {
        side: tuple(dataclasses.replace(line, text=PASSING.sub("", line.text)) for line in lines)
        for side, lines in seen.projected.items()
    }
