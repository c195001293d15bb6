"""What an evidence means: held against the table of its behaviour. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from behaviours.known import Known, Place, named_loop, row_for
from common.loops import USUAL
from comparison.experiments.model import REMEDY, Behaviour, Evidence, Finding, State, Survey

STANDS_IN_FOR = "asyncio"
"""Any loop that goes by no name here is held against the rows of this one: it stands in for it."""


def judge(evidence: Evidence, known: Known) -> Finding:
    """What it means."""
    row = row_for(known.get(evidence.case, ()), place_of(evidence))
    expected = [outcome.text for outcome in row.outcomes] if row is not None else []
    if evidence.skipped:
        return Finding(evidence, State.SKIPPED, evidence.skipped, row)
    if evidence.failed:
        return Finding(evidence, State.FAILED, evidence.failed, row)
    if not set(evidence.outcomes) <= set(expected) and len(set(evidence.outcomes)) > 1:
        return Finding(evidence, State.UNSTEADY, f"now {', now '.join(evidence.outcomes)}", row)
    if evidence.case == REMEDY and evidence.bites:
        return Finding(evidence, State.FAILED, f"the way around does not help: {evidence.outcomes[-1]}", row)
    if evidence.outcomes[-1] in expected:
        return Finding(evidence, State.KNOWN, "", row)
    reason = f"known is: {' or '.join(expected)}" if expected else "nothing is known of it here"
    return Finding(evidence, State.NEWS, reason + _as_elsewhere(evidence, known), row)


def is_surprise(evidence: Evidence, behaviour: Behaviour) -> bool:
    """Whether it is not as known, which the next look may take back."""
    return judge(evidence, behaviour.known).state in (State.NEWS, State.FAILED)


def judged(behaviours: Mapping[str, Behaviour], evidences: Iterable[Evidence], notes: Sequence[str] = ()) -> Survey:
    """What all of them mean, in the order of the pages; what is said of behaviours that there are no more is left
    out."""
    order = list(behaviours)
    known = {(name, case): each.known for name, each in behaviours.items() for case in each.known}
    found = [judge(one, known[one.behaviour, one.case]) for one in evidences if (one.behaviour, one.case) in known]
    found.sort(key=lambda finding: (order.index(finding.evidence.behaviour), finding.evidence.levels))
    ran = {finding.evidence.behaviour for finding in found}
    return Survey({name: each for name, each in behaviours.items() if name in ran}, tuple(found), tuple(notes))


def place_of(evidence: Evidence) -> Place:
    """The place whose rows count."""
    loop = evidence.loop if evidence.loop in USUAL else STANDS_IN_FOR
    return Place(evidence.api, loop, evidence.python, evidence.loop_version)


def _as_elsewhere(evidence: Evidence, known: Known) -> str:
    """Which other loop has this outcome, whatever its version."""
    for row in known.get(evidence.case, ()):
        loop = named_loop(row.loop)[0] if row.loop is not None else None
        if evidence.outcomes[-1] in [outcome.text for outcome in row.outcomes] and loop not in (None, evidence.loop):
            return f", and this as on {loop}"
    return ""
