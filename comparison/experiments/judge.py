"""What an evidence means: held against the table of its behaviour. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from behaviours.known import Known, Place, Row, named_loop, row_for
from common.loops import USUAL
from comparison.experiments.model import REMEDY, Behaviour, Evidence, Finding, State, Survey

STANDS_IN_FOR = "asyncio"
"""Any loop that goes by no name here is held against the rows of this one: it stands in for it."""


def judged(behaviours: Mapping[str, Behaviour], evidences: Iterable[Evidence], notes: Sequence[str] = ()) -> Survey:
    """What all of them mean, in the order of the pages; what is said of behaviours that there are no more is left
    out."""
    order = list(behaviours)
    known = {(name, case): each.known for name, each in behaviours.items() for case in each.known}
    found = [judge(one, known[one.behaviour, one.case]) for one in evidences if (one.behaviour, one.case) in known]
    found.sort(key=lambda finding: (order.index(finding.behaviour), finding.levels))
    ran = {finding.behaviour for finding in found}
    return Survey({name: each for name, each in behaviours.items() if name in ran}, tuple(found), tuple(notes))


def judge(evidence: Evidence, known: Known) -> Finding:
    """What it means."""
    state, reason = _meaning(evidence, known)
    return Finding(**vars(evidence), state=state, reason=reason)


def row_of(evidence: Evidence, known: Known) -> Row | None:
    """What the table knows of its place."""
    loop = evidence.loop if evidence.loop in USUAL else STANDS_IN_FOR
    return row_for(known.get(evidence.case, ()), Place(evidence.api, loop, evidence.python, evidence.loop_version))


def _meaning(evidence: Evidence, known: Known) -> tuple[State, str]:
    if evidence.skipped:
        return State.SKIPPED, evidence.skipped
    if evidence.failed:
        return State.FAILED, evidence.failed
    row, last = row_of(evidence, known), evidence.outcomes[-1]
    expected = [outcome.text for outcome in row.outcomes] if row is not None else []
    if not set(evidence.outcomes) <= set(expected) and len(set(evidence.outcomes)) > 1:
        return State.UNSTEADY, f"now {', now '.join(evidence.outcomes)}"
    if evidence.case == REMEDY and evidence.bites:
        return State.FAILED, f"the way around does not help: {last}"
    if last in expected:
        return State.KNOWN, ""
    reason = f"known is: {' or '.join(expected)}" if expected else "nothing is known of it here"
    for row in known.get(evidence.case, ()):  # another loop may have this outcome, whatever its version
        loop = named_loop(row.loop)[0] if row.loop is not None else None
        if last in [outcome.text for outcome in row.outcomes] and loop not in (None, evidence.loop):
            return State.NEWS, f"{reason}, and this as on {loop}"
    return State.NEWS, reason
