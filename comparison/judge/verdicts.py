"""Judge once, from evidence: runs -> cells with a verdict and its reason, causes with a name, groups with a diff."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from comparison.judge import differences
from comparison.judge.causes import Names, causes, in_order
from comparison.judge.condense import condense
from comparison.judge.expectations import faults
from comparison.model import PARTS, SIDES, Cause, Cell, Group, Observation, Pairing, Part, Run, Scenario, Verdict, worst
from comparison.transcript import connections
from comparison.vocabulary import BYTES

ALONE = "there is nothing to compare it with"
"""The reason of a pairing that was run by itself."""


def observe(scenario: Scenario, run: Run) -> Observation:
    """What is made of one run by itself; of its lines none is kept that only repeats itself."""
    blocks = (block for side in SIDES for block in connections(run.log(side).events))
    cut = any(sum(event.name == "received" for event in block) > 1 for block in blocks)
    return Observation(condense(run), differences.projections(scenario, run), faults(scenario, run), cut)


def judge(
    scenario: Scenario, observations: Sequence[Observation], reference: Pairing, names: Names | None = None
) -> tuple[tuple[Cell, ...], tuple[Cause, ...], tuple[Group, ...]]:
    """The cells, the causes and the groups of alike logs, held against one run of the reference pairing; where that
    failed, of the first that did not."""
    held_against = _held_against(observations, reference)
    computed = causes(scenario, observations, held_against, Names() if names is None else names)
    cells = tuple(
        _cell([seen for seen in observations if seen.run.pairing == pairing], held_against, computed)
        for pairing in dict.fromkeys(seen.run.pairing for seen in observations)
    )
    if len(cells) == 1 and cells[0].verdict is Verdict.REFERENCE:
        cells = (dataclasses.replace(cells[0], reason=ALONE),)
    return cells, computed, _groups(observations, held_against, computed)


def _held_against(observations: Sequence[Observation], reference: Pairing) -> Observation:
    """Of several runs of a pairing the first of those that most are like: a single odd one does not count."""
    sound = [seen for seen in observations if not seen.faults]
    own = [seen for seen in observations if seen.run.pairing == reference]
    chosen = [seen for seen in own if not seen.faults] or sound or own
    pairing = [seen for seen in chosen if seen.run.pairing == chosen[0].run.pairing]
    behaviours = Counter(map(_behaviour, pairing))
    return max(pairing, key=lambda seen: behaviours[_behaviour(seen)])


def _cell(seen: Sequence[Observation], reference: Observation, computed: Sequence[Cause]) -> Cell:
    pairing = seen[0].run.pairing
    own = [cause for cause in computed if pairing in cause.pairings]
    found = {part: _verdict(part, seen, reference, own) for part in PARTS}
    bad = worst(verdict for verdict, _ in found.values())
    # In the order in which the faults were found: a cause comes first.
    parts = dict.fromkeys((*(part for one in seen for part in one.faults), *PARTS))
    reasons = dict.fromkeys(found[part][1] for part in parts if found[part][0] is bad)
    behaviours = Counter(map(_behaviour, seen))
    first_of_each = {_behaviour(one): one.run for one in reversed(seen)}
    return Cell(
        pairing=pairing,
        verdicts={part: verdict for part, (verdict, _) in found.items()},
        reason="; ".join(reasons),
        causes=in_order(cause.name for cause in own),
        runs=tuple(sorted(first_of_each.values(), key=lambda run: run.number)),
        repeat=len(seen),
        agreed=max(behaviours.values()),
        cut=sum(one.cut for one in seen),
    )


def _verdict(
    part: Part, seen: Sequence[Observation], reference: Observation, causes: Sequence[Cause]
) -> tuple[Verdict, str]:
    """The verdict on one of the two questions, with its reason; `causes` are those of this pairing."""
    faulty = [one.faults[part] for one in seen if part in one.faults]
    if faulty:
        times = f" (in {len(faulty)} of {len(seen)} runs)" if len(seen) > 1 else ""
        return Verdict.FAILED, f"{faulty[0]}{times}"
    if any(one.faults and _lines(one, part) != _lines(reference, part) for one in seen):
        return Verdict.DIFFERENT, "other lines than the reference, in a run that failed"
    own = [cause for cause in causes if any(_part(difference.event) == part for difference in cause.differences)]
    found = worst(cause.verdict for cause in own)
    if found is Verdict.DIFFERENT:
        return found, _unexplained(cause for cause in own if cause.verdict is found)
    if found is Verdict.EXPLAINED:
        return found, f"behaves otherwise than the reference, with known causes: {_names(causes)}"
    if found is Verdict.ALIKE:
        return found, f"differs from the reference only in what is told: {_names(own)}"
    if seen[0].run.pairing == reference.run.pairing:
        return Verdict.REFERENCE, "what the others are held against"
    if any(one.run.silent for one in seen):
        return Verdict.IDENTICAL, "the same bytes on the wire as the reference; one side tells nothing more"
    return Verdict.IDENTICAL, "the same lines as the reference"


def _unexplained(causes: Iterable[Cause]) -> str:
    events: dict[str, dict[str, None]] = defaultdict(dict)
    for cause in causes:
        what = f"not where {cause.broken.name} has it" if cause.broken is not None else "unexplained"
        events[what][repr(cause.event)] = None
    return "; ".join(f"{what}: {', '.join(own)}" for what, own in events.items())


def _names(causes: Sequence[Cause]) -> str:
    return ", ".join(dict.fromkeys(cause.explanation.name for cause in causes if cause.explanation is not None))


def _part(event: str) -> Part:
    return "echo" if event in BYTES else "ending"


def _lines(one: Observation, part: Part) -> list[object]:
    return [line for side in SIDES for line in one.projected[side] if _part(line.event) == part]


def _behaviour(one: Observation) -> object:
    return one.projected["server"], one.projected["client"], bool(one.faults)


def _groups(observations: Iterable[Observation], reference: Observation, causes: Sequence[Cause]) -> tuple[Group, ...]:
    """For each side, the pairings whose logs are alike, those like the reference first."""
    groups = []
    for side in SIDES:
        usual = reference.projected[side]
        alike: dict[differences.Lines, dict[Pairing, None]] = {usual: {}}
        for one in observations:
            if not one.faults:
                alike.setdefault(one.projected[side], {})[one.run.pairing] = None
        for lines, pairings in alike.items():
            own = [cause for cause in causes if not pairings.keys().isdisjoint(cause.pairings)]
            groups.append(Group(side, tuple(pairings), lines, differences.diff(side, usual, lines, own)))
    return tuple(groups)
