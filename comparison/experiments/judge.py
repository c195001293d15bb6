"""What an evidence means: held against the table of its behaviour. Pure."""

import dataclasses
from collections.abc import Iterable

from behaviours.known import Known, Place, named_loop, row_for
from common.loops import USUAL
from comparison.experiments.model import REMEDY, Behaviour, Evidence, Finding, State

STANDS_IN_FOR = "asyncio"
"""Any loop that goes by no name here is held against the rows of this one: it stands in for it."""


def judge(evidence: Evidence, known: Known) -> Finding:
    """What it means."""
    row = row_for(known.get(evidence.case, ()), known_as(evidence.place))
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


def judged(evidences: Iterable[Evidence], behaviours: dict[str, Behaviour]) -> tuple[Finding, ...]:
    """What all of them mean; what is said of behaviours that there are no more is left out."""
    return tuple(
        judge(evidence, behaviours[evidence.behaviour].known)
        for evidence in evidences
        if evidence.case in getattr(behaviours.get(evidence.behaviour), "known", ())
    )


def known_as(place: Place) -> Place:
    """The place whose rows count."""
    return place if place.loop in USUAL else dataclasses.replace(place, loop=STANDS_IN_FOR)


def _as_elsewhere(evidence: Evidence, known: Known) -> str:
    """Which other loop has this outcome, whatever its version."""
    for row in known.get(evidence.case, ()):
        loop = named_loop(row.loop)[0] if row.loop is not None else None
        if evidence.outcomes[-1] in [outcome.text for outcome in row.outcomes] and loop not in (None, evidence.loop):
            return f", and this as on {loop}"
    return ""
