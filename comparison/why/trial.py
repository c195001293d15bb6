"""Let altered copies of the programs take part, and find out what notices each alteration.

A copy is a program of its own beside a link to `common`. It is held against the program as it is, on the same loop, in
the same scenario, so that whatever differs comes from the alteration. The other side is always sound.
"""

import dataclasses
import itertools
import re
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from comparison import files
from comparison.endpoints import IMPLEMENTATIONS, source_of
from comparison.judge import differences, verdicts
from comparison.model import MIB, RAW, SIDES, Endpoint, Observation, Pairing, ProjectedLine, Run, Scenario, Side
from comparison.play import runner
from comparison.play.processes import ROOT
from comparison.play.transports import TRANSPORTS
from comparison.scenarios import SCENARIOS, TUTORIAL
from comparison.selection import Selection, Trial, trials
from comparison.why.record import Evidence, Known
from comparison.why.statements import Alteration

# A run is cut when it takes PATIENCE times as long as that of the program as it is, and LEAST_S at least.
LEAST_S, PATIENCE = 2.0, 5
CONFIRMED = 3  # how often what shows on one loop only is played again: a race that is lost now and then is no reason
SHORT_GRACE = ("--grace", "0.2")  # what nobody asks for: an altered server that keeps its connections is not waited for
SPINS, NEVER_ENDS = f"exited with -{signal.SIGALRM}", "never ends"

# What a log has that is another in each copy, process and run: places in files, objects with their state.
PASSING = re.compile(r'"[^"]*", line \d+|<(?!\w+>)[^<>]*(?:<[^<>]*>[^<>]*)*>|\^+$')
SIGNS = {"-": "does not tell", "+": "tells", "~": "tells in another place"}

# --- Planted defects: what they show is what a statement is for that matters only where something else is wrong ---
RAISES = """
import {module}

def _planted(self, *arguments, **values):
    {module}.{method} = _usual
    raise ValueError("planted")

_usual, {module}.{method} = {module}.{method}, _planted
"""  # the method raises when it is called for the first time

WARNS = """
import warnings

warnings.simplefilter("always")
warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {str(message).split(' <')[0]}\\n"
"""  # tells of each warning in one line, without what is another on each machine and in each run

BLOCKED = """
import asyncio
import time

_wait = asyncio.sleep

def _sleep(delay_s):
    asyncio.get_running_loop().call_soon(time.sleep, 0.5)
    return _wait(0.01)

asyncio.sleep = _sleep
"""  # ends each pause while the loop is blocked: what came meanwhile is dealt with in the same turn

DEFECTS = {
    "new connections raise": RAISES.format(module="common.live", method="LiveConnections.add"),
    "the end raises": RAISES.format(module="common.connections", method="ConnectionLog.ended"),
    "Python warns of what is left open": WARNS,
    "received bytes raise": RAISES.format(module="common.connections", method="ChunkLog.received"),
    "the loop is blocked in a pause": BLOCKED,
    # What keeps asyncio from logging an error that nobody has asked for may come too late in a cycle of garbage.
    "garbage is collected in an unlucky order": "import asyncio\n\ndel asyncio.StreamReaderProtocol.__del__\n",
}
"""What is planted -> the source that plants it, which stands before that of the program."""

# The scenarios that are played with them.
SHOWING = TUTORIAL.name, "says-nothing", "client-timeout", "reads-nothing", "resets-in-a-pause", "reset-before-sending"

# --- The search ---
Name = tuple[str, str, str]  # of a ground: a scenario, a transport, and a planted defect or none
Noticed = dict[Alteration, Evidence]


def grounds() -> dict[Name, Trial]:
    """All on which something may be noticed here, what is dear last: each scenario over what it usually runs over, the
    first one over everything, and some with each planted defect."""
    found = [(trial, "") for trial in (*trials(["all"], None), *trials([TUTORIAL.name], list(TRANSPORTS)[1:]))]
    found += [(trial, defect) for defect in DEFECTS for trial in trials(SHOWING, ["tcp", "tls"])]
    dear = {one.name for one in SCENARIOS.values() if one.length > 16 * MIB or one.connections >= 100}
    found.sort(key=lambda one: one[0].scenario.name in dear)
    return {(one.scenario.name, one.transport.name, defect): one for one, defect in found if one.skipped is None}


def programs() -> dict[str, tuple[str, Side]]:
    """The files of the implementations: of which one each is, and its side."""
    return {
        path.as_posix(): (name, side)
        for name, commands in IMPLEMENTATIONS.items()
        for side, command in zip(SIDES, commands, strict=True)
        if (path := source_of(command)) is not None
    }


class Arena:
    """Plays copies of programs, as they are and altered."""

    def __init__(self, selection: Selection, jobs: int) -> None:
        self.grounds = grounds()
        self.loops = {end.loop for end in selection.servers}
        self._ends, self._jobs = selection.servers, jobs
        self._programs = programs()

    def search(self, chosen: Iterable[Alteration], known: Known) -> Iterator[tuple[Alteration, Evidence | None]]:
        """What notices each alteration, as it is found out; None where nothing does. What has noticed it before is
        tried first, and then all there is."""
        pending = dict.fromkeys(chosen)
        before = defaultdict[Name, dict[Alteration, Evidence]](dict)
        for one in pending:
            if (seen := known.get(one.key)) is not None:
                before[seen.scenario, seen.transport, seen.defect][one] = seen
        again = (self.asked_again(ground, those) for ground, those in before.items())
        further = (self.confirmed(ground, pending) for ground in self.grounds if pending)
        for found in itertools.chain(again, further):
            yield from found.items()
            for one in found:
                del pending[one]
        yield from pending.items()

    def asked_again(self, ground: Name, known: Mapping[Alteration, Evidence]) -> Noticed:
        """What notices again what it has noticed before, asked until it does so on the same loops: where the machine is
        too busy to tell, it says nothing. Where this machine lacks what it takes, the old evidence stands."""
        if ground not in self.grounds:
            return dict(known)
        found = {one: seen for one, seen in known.items() if self.loops.isdisjoint(seen.loops)}
        seen_on = {one: set[str]() for one in known if one not in found}
        for _ in range(CONFIRMED):
            unseen = [one for one, loops in seen_on.items() if not self.loops & {*known[one].loops} <= loops]
            for one, seen in self.noticed(ground, unseen).items():
                seen_on[one].update(seen.loops)
                found[one] = dataclasses.replace(seen, loops=tuple(sorted(seen_on[one])))
        return found

    def confirmed(self, ground: Name, alterations: Iterable[Alteration]) -> Noticed:
        """Which of the alterations show on this ground every time."""
        found = self.noticed(ground, alterations)
        for _ in range(CONFIRMED):
            once = [one for one, seen in found.items() if len(seen.loops) == 1]
            sure = {one: seen for one, seen in found.items() if one not in once}
            found = sure | self.noticed(ground, once, patience=2 * PATIENCE)
        return found

    def noticed(self, ground: Name, alterations: Iterable[Alteration], patience: int = PATIENCE) -> Noticed:
        """Which of the alterations show on this ground, and how."""
        those = [one for one in alterations if self._programs[one.file][1] in self.grounds[ground].scenario.on_trial]
        if not those:
            return {}
        scenario, transport, defect = ground
        start_s = time.monotonic()
        usual = self._play(ground, {one.usual: one.file for one in those})
        each_s = (time.monotonic() - start_s) * self._jobs / max(1, len(usual))
        deadline_s = max(LEAST_S, round(each_s * patience, 1))
        altered = self._play(ground, {one.source: one.file for one in those}, deadline_s)
        found = {}
        for one in those:
            planted = self._programs[one.file][1] if defect else None
            signs = {}
            for loop in sorted(self.loops):
                as_it_is, seen = usual.get((one.usual, loop)), altered.get((one.source, loop))
                if as_it_is and seen and (sign := difference(as_it_is, seen, planted)):
                    signs[loop] = sign
            if signs:
                reason, told = min(signs.values(), key=lambda sign: sign[1])
                found[one] = Evidence(scenario, transport, tuple(signs), reason, told, defect)
        return found

    def _play(
        self, ground: Name, programs: Mapping[str, str], deadline_s: float | None = None
    ) -> dict[tuple[str, str], Observation]:
        """What comes of each source, whose file is told, on each loop."""
        trial, before = self.grounds[ground], DEFECTS.get(ground[-1], "")
        scenario = dataclasses.replace(trial.scenario, server_options=(*SHORT_GRACE, *trial.scenario.server_options))
        if deadline_s is not None:  # one that spins does not heed SIGTERM
            scenario = dataclasses.replace(scenario, deadline_s=deadline_s)
            before = f"import signal\n\nsignal.alarm({round(2 * deadline_s)})\n{before}"
        whose = {}
        with tempfile.TemporaryDirectory(prefix="why-") as folder:
            for number, (source, file) in enumerate(programs.items()):
                # Under its own name, which it tells in errors, in a folder of its own.
                copy = Path(folder, str(number), Path(file).name)
                copy.parent.mkdir()
                (copy.parent / "common").symlink_to(ROOT / "common")
                files.write(copy, before + source)
                name, side = self._programs[file]
                for end in self._ends:
                    if end.implementation == name:
                        whose[self._pairing(end, side, copy, number, scenario)] = source, end.loop
            units = runner.units(runner.Unit(scenario, trial.transport, [(pairing, 1) for pairing in whose]))
            runs = [run for _, outcomes in runner.play_all(self._jobs, units) for run in outcomes]
        return {whose[run.pairing]: verdicts.observe(scenario, run) for run in runs if isinstance(run, Run)}

    def _pairing(self, end: Endpoint, side: Side, copy: Path, number: int, scenario: Scenario) -> Pairing:
        """A copy of a program with the sound other side, which is the engine itself where there is a script."""
        python, _, _, *options = end.server_command if side == "server" else end.client_command
        new = (python, str(copy), *options)
        changed = dataclasses.replace(end, label=f"{end.label} {number}", server_command=new, client_command=new)
        # A server takes its clients one after another: of those that hang each would hold up all others.
        sound = dataclasses.replace(end, label=f"{end.label} beside {number % self._jobs}")
        other = sound if scenario.script is None else RAW
        return Pairing(changed, other) if side == "server" else Pairing(other, changed)


def difference(usual: Observation, seen: Observation, planted: Side | None = None) -> tuple[str, bool] | None:
    """How an altered program shows against the program as it is, and whether only in what it tells; None where it does
    not. Where a defect is `planted` in a side both fail, and how much a program on the other one gets done is a matter
    of luck: what counts is how both end, what this one tells, and what the engine sees where it plays the other."""
    if planted is None:
        if usual.faults:
            return None  # the machine is too busy, or something is wrong already
        for text in seen.faults.values():
            return PASSING.sub("", text.replace(SPINS, NEVER_ENDS)), False
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
