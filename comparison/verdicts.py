"""Judge once, from evidence: runs -> cells with a verdict and its reason, causes with a letter, groups with a diff."""

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from comparison import differences
from comparison.differences import Letters
from comparison.expectations import faults
from comparison.model import (
    PARTS,
    SIDES,
    Cause,
    Cell,
    Difference,
    Group,
    Observation,
    Pairing,
    Part,
    ProjectedLine,
    Run,
    Scenario,
    Side,
    Verdict,
    worst,
)
from comparison.projection import BYTES, connections


def observe(scenario: Scenario, run: Run) -> Observation:
    """What is made of one run by itself."""
    return Observation(run, differences.projections(scenario, run), faults(scenario, run), _was_cut(run))


def judge(
    scenario: Scenario, observations: Sequence[Observation], reference: Pairing, letters: Letters | None = None
) -> tuple[tuple[Cell, ...], tuple[Cause, ...], tuple[Group, ...]]:
    """The cells, the causes and the groups of alike logs. The first run of the reference pairing is what all
    others are held against."""
    held_against = next(observation for observation in observations if observation.run.pairing == reference)
    found: dict[Run, frozenset[Difference]] = {}
    if not held_against.faults:
        for seen in observations:
            if not seen.faults:
                silent = (*held_against.run.silent, *seen.run.silent)
                found[seen.run] = differences.between(held_against.projected, seen.projected, silent)
    causes = tuple(differences.causes(found, scenario.shows, letters))
    cells = tuple(
        _cell([seen for seen in observations if seen.run.pairing == pairing], held_against, found, causes)
        for pairing in dict.fromkeys(seen.run.pairing for seen in observations)
    )
    return cells, causes, _groups(observations, found, held_against, causes)


def _cell(
    seen: Sequence[Observation],
    reference: Observation,
    found: Mapping[Run, frozenset[Difference]],
    causes: Sequence[Cause],
) -> Cell:
    """The verdicts on one pairing, from all of its runs."""
    verdicts, reasons = {}, {}
    for part in PARTS:
        verdicts[part], reasons[part] = _verdict(part, seen, reference, found, causes)
    own = {difference for one in seen for difference in found.get(one.run, ())}
    behaviours = Counter(map(_behaviour, seen))
    first_of_each = {_behaviour(one): one.run for one in reversed(seen)}
    return Cell(
        pairing=seen[0].run.pairing,
        verdicts=verdicts,
        reason=_reason(verdicts, reasons),
        letters=tuple(sorted({cause.letter for cause in causes if own & set(cause.differences)}, key=_by_letter)),
        runs=tuple(sorted(first_of_each.values(), key=lambda run: run.number)),
        repeat=len(seen),
        agreed=max(behaviours.values()),
        cut=sum(one.cut for one in seen),
    )


def _verdict(
    part: Part,
    seen: Sequence[Observation],
    reference: Observation,
    found: Mapping[Run, frozenset[Difference]],
    causes: Sequence[Cause],
) -> tuple[Verdict, str]:
    """The verdict on one of the two questions, with its reason."""
    faulty = [fault.text for one in seen for fault in one.faults if fault.part == part]
    if faulty:
        times = f" (in {len(faulty)} of {len(seen)} runs)" if len(seen) > 1 else ""
        return Verdict.FAILED, f"{faulty[0]}{times}"
    if reference.faults and seen[0].run.pairing != reference.run.pairing:
        return Verdict.DIFFERENT, "the reference failed, so there is nothing to hold it against"
    if any(one.faults and _lines(one, part) != _lines(reference, part) for one in seen):
        return Verdict.DIFFERENT, "other lines than the reference, in a run that failed"
    unexplained = {difference for cause in causes if not cause.explained for difference in cause.differences}
    own = {d for one in seen for d in found.get(one.run, ()) if _part(d.event) == part}
    if own & unexplained:
        return Verdict.DIFFERENT, f"{_count(own & unexplained)} from the reference unexplained"
    if own:
        return Verdict.EXPLAINED, f"{_count(own)} from the reference, all explained"
    if any(one.run.silent for one in seen):
        return Verdict.IDENTICAL, "the same bytes on the wire as the reference; one side tells nothing more"
    return Verdict.IDENTICAL, "the same lines as the reference"


def _reason(verdicts: Mapping[Part, Verdict], reasons: Mapping[Part, str]) -> str:
    """The reasons of the worst verdicts."""
    bad = worst(verdicts.values())
    return "; ".join(dict.fromkeys(reasons[part] for part in PARTS if verdicts[part] is bad))


def _part(event: str) -> Part:
    return "echo" if event in BYTES else "ending"


def _lines(one: Observation, part: Part) -> list[ProjectedLine]:
    return [line for side in SIDES for line in one.projected[side] if _part(line.event) == part]


def _behaviour(one: Observation) -> object:
    return one.projected["server"], one.projected["client"], bool(one.faults)


def _by_letter(letter: str) -> tuple[int, str]:
    return len(letter), letter


def _count(differences: Collection[Difference]) -> str:
    return f"{len(differences)} difference{'' if len(differences) == 1 else 's'}"


def _was_cut(run: Run) -> bool:
    return any(
        sum(event.name == "received" for event in block) > 1
        for side in SIDES
        for block in connections(run.events(side))
    )


def _groups(
    observations: Sequence[Observation],
    found: Mapping[Run, frozenset[Difference]],
    reference: Observation,
    causes: Sequence[Cause],
) -> tuple[Group, ...]:
    """For each side, the pairings whose logs are alike, those like the reference first."""
    letters = {difference: cause.letter for cause in causes for difference in cause.differences}
    groups = []
    for side in SIDES:
        alike: dict[tuple[ProjectedLine, ...], dict[Pairing, None]] = {reference.projected[side]: {}}
        for one in observations:
            if one.run in found:
                alike.setdefault(one.projected[side], {})[one.run.pairing] = None
        for lines, pairings in alike.items():
            diff = _diff(side, reference.projected[side], lines, letters)
            groups.append(Group(side, tuple(pairings), lines, diff))
    return tuple(groups)


def _diff(
    side: Side,
    reference: Sequence[ProjectedLine],
    lines: Sequence[ProjectedLine],
    letters: Mapping[Difference, str],
) -> tuple[tuple[Literal[" ", "+", "-"], str, str], ...]:
    beside: dict[tuple[Side, str, str, int], set[str]] = {}
    for d, name in letters.items():
        beside.setdefault((d.side, d.event, d.text, d.nth), set()).add(name)

    def letter(line: ProjectedLine) -> str:
        return " ".join(sorted(beside.get((side, line.event, line.text, line.nth), ())))

    diff: list[tuple[Literal[" ", "+", "-"], str, str]] = []
    matcher = difflib.SequenceMatcher(None, reference, lines, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            diff += [(" ", line.text, "") for line in reference[start:end]]
            continue
        diff += [("-", line.text, letter(line)) for line in reference[start:end]]
        diff += [("+", line.text, letter(line)) for line in lines[new_start:new_end]]
    return tuple(diff)
