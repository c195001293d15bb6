"""Judge once, from evidence: runs -> cells with a verdict and its reason, causes with a letter, groups with a diff."""

import difflib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from common.logs import escape, show_cut
from comparison import differences
from comparison.differences import Projections
from comparison.model import (
    SIDES,
    Cause,
    Cell,
    Difference,
    Event,
    Group,
    Pairing,
    ProjectedLine,
    Run,
    Scenario,
    Side,
    Verdict,
)
from comparison.projection import ENDINGS, connections, joined, violations


def judge(
    scenario: Scenario, runs: Sequence[Run], reference: Pairing
) -> tuple[tuple[Cell, ...], tuple[Cause, ...], tuple[Group, ...]]:
    """The cells, the causes and the groups of alike logs. The first run of the reference pairing is what all
    others are held against."""
    faults = {run: fault(scenario, run) for run in runs}
    reference_run = next(run for run in runs if run.pairing == reference)
    projected = {run: differences.projections(run) for run in runs}
    if faults[reference_run] is None:
        found = {
            run: differences.between(projected[reference_run], projected[run]) for run in runs if faults[run] is None
        }
    else:
        found = {}
    causes = tuple(differences.causes(found))
    letters = {difference: cause.letter for cause in causes for difference in cause.differences}
    unexplained = {difference for cause in causes if not cause.explained for difference in cause.differences}
    cells = tuple(
        _cell(pairing, [run for run in runs if run.pairing == pairing], faults, found, letters, unexplained, projected)
        for pairing in dict.fromkeys(run.pairing for run in runs)
    )
    return cells, causes, _groups(projected, found, reference_run, letters)


def fault(scenario: Scenario, run: Run) -> str | None:
    """The first thing that must hold for every endpoint and does not, in words; None where all holds."""
    for side in SIDES:
        log = run.log(side)
        if log.trouble is not None:
            return f"{side} {log.trouble}{_last_words(log.lines)}"
        defect = next((event for event in run.events(side) if "traceback" in event.fields), None)
        if defect is not None:
            return f"{side} shows a traceback: {escape(str(defect.fields['traceback']).strip().splitlines()[-1])}"
        if log.exit_code != 0:
            said = next((f": {event.message}" for event in run.events(side) if event.message.startswith("ERROR")), "")
            return f"{side} exited with {log.exit_code}{said or _last_words(log.lines)}"
    blocks = {side: connections(run.events(side)) for side in SIDES}
    for side in reversed(SIDES):  # a client that never connected is not the server's fault
        if len(blocks[side]) != scenario.connections:
            return f"{side} tells of {len(blocks[side])} connections instead of {scenario.connections}"
        for wrong in itertools.chain.from_iterable(map(violations, blocks[side])):
            return f"{side} log: {wrong}"
    return _lost_bytes(scenario, blocks)


def _lost_bytes(scenario: Scenario, blocks: Mapping[Side, Sequence[Sequence[Event]]]) -> str | None:
    directions: tuple[tuple[Side, str], ...] = (
        ("client", "sending"),
        ("server", "received"),
        ("server", "sent"),
        ("client", "received"),
    )
    for side, name in directions:
        for block in blocks[side]:
            payload = joined(block, name)
            length = payload.length if payload is not None else 0
            if length != scenario.length:
                return f"{side} {name} {length} bytes instead of {scenario.length}"
            if payload is not None and not scenario.starts_with(payload.shown):
                return f"{side} {name} other bytes than the scenario's: {show_cut(payload.shown, payload.length)}"
    digests = {
        str(event.fields[direction])
        for block in itertools.chain(blocks["server"], blocks["client"])
        for event in block
        if event.name in ENDINGS
        for direction in ("received_digest", "sent_digest")
        if direction in event.fields
    }
    return f"digests of what was sent and received differ: {', '.join(sorted(digests))}" if len(digests) > 1 else None


def _last_words(lines: Sequence[str]) -> str:
    return f": {escape(lines[-1])}" if lines else ""


def _cell(
    pairing: Pairing,
    runs: Sequence[Run],
    faults: Mapping[Run, str | None],
    found: Mapping[Run, frozenset[Difference]],
    letters: Mapping[Difference, str],
    unexplained: set[Difference],
    projected: Mapping[Run, Projections],
) -> Cell:
    failed = [run for run in runs if faults[run] is not None]
    seen = frozenset[Difference]().union(*(found.get(run, frozenset()) for run in runs))
    own_letters = tuple(sorted({letters[difference] for difference in seen}))
    if failed:
        times = f" (in {len(failed)} of {len(runs)} runs)" if len(runs) > 1 else ""
        verdict, reason = Verdict.FAILED, f"{faults[failed[0]]}{times}"
    elif any(run not in found for run in runs):
        verdict, reason = Verdict.DIFFERENT, "the reference failed, so there is nothing to hold it against"
    elif seen & unexplained:
        verdict, reason = Verdict.DIFFERENT, f"{_count(seen & unexplained)} from the reference unexplained"
    elif seen:
        verdict, reason = Verdict.EXPLAINED, f"{_count(seen)} from the reference, all explained"
    else:
        verdict, reason = Verdict.IDENTICAL, "the same lines as the reference"
    behaviours = Counter((projected[run]["server"], projected[run]["client"], run in failed) for run in runs)
    return Cell(pairing, verdict, reason, own_letters, tuple(runs), max(behaviours.values()), sum(map(_was_cut, runs)))


def _count(differences: frozenset[Difference] | set[Difference]) -> str:
    return f"{len(differences)} difference{'' if len(differences) == 1 else 's'}"


def _was_cut(run: Run) -> bool:
    return any(
        sum(event.name == "received" for event in block) > 1
        for side in SIDES
        for block in connections(run.events(side))
    )


def _groups(
    projected: Mapping[Run, Projections],
    found: Mapping[Run, frozenset[Difference]],
    reference_run: Run,
    letters: Mapping[Difference, str],
) -> tuple[Group, ...]:
    """For each side, the pairings whose logs are alike, those like the reference first."""
    groups = []
    for side in SIDES:
        alike: dict[tuple[ProjectedLine, ...], dict[Pairing, None]] = {projected[reference_run][side]: {}}
        for run in found:
            alike.setdefault(projected[run][side], {})[run.pairing] = None
        for lines, pairings in alike.items():
            diff = _diff(side, projected[reference_run][side], lines, letters)
            groups.append(Group(side, tuple(pairings), lines, diff))
    return tuple(groups)


def _diff(
    side: Side,
    reference: Sequence[ProjectedLine],
    lines: Sequence[ProjectedLine],
    letters: Mapping[Difference, str],
) -> tuple[tuple[Literal[" ", "+", "-"], str, str], ...]:
    def letter(line: ProjectedLine) -> str:
        return " ".join(
            sorted({letters[d] for d in letters if (d.side, d.event, d.text) == (side, line.event, line.text)})
        )

    diff: list[tuple[Literal[" ", "+", "-"], str, str]] = []
    matcher = difflib.SequenceMatcher(None, reference, lines, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            diff += [(" ", line.text, "") for line in reference[start:end]]
            continue
        diff += [("-", line.text, letter(line)) for line in reference[start:end]]
        diff += [("+", line.text, letter(line)) for line in lines[new_start:new_end]]
    return tuple(diff)
