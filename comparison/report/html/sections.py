"""Which section of the code makes which line of a log: by event and side, the same in every implementation.

The labels are those that the sources carry; `code` finds them there.
"""

from dataclasses import dataclass

from comparison.model import SIDES, Cause, Comparison, Scenario, Side
from comparison.vocabulary import kind

Section = tuple[Side, str]
"""Whose code, and the label of the section in it."""

WAIT = "Writing must wait"


@dataclass(frozen=True)
class Touched:
    """What touches a section: the names of causes, and the scenarios that try it or show them."""

    causes: tuple[str, ...] = ()
    scenarios: tuple[Comparison, ...] = ()


def of(side: Side, event: str) -> str | None:
    """The label of the section for an event of a side; None for what no endpoint writes, such as what the engine's
    own sockets saw."""
    return kind(event).server if side == "server" else kind(event).client


def of_scenario(scenario: Scenario) -> list[Section]:
    """The sections that a scenario is there to try: those that end a connection in another way than a plain close or
    tell of what is wrong, and where memory has a limit, the one that waits."""
    expects = scenario.expects
    found: list[Section] = []
    for side in scenario.on_trial:
        endings = expects.endings(side)
        events = (*endings, *expects.warnings, *expects.told)
        found += [(side, label) for event in events if event != "closing" and (label := of(side, event)) is not None]
        found += [(side, WAIT)] if expects.memory_mib is not None else []
    return list(dict.fromkeys(found))


def of_cause(cause: Cause) -> list[Section]:
    """The sections that make the lines of a cause, each once."""
    found = ((difference.side, of(difference.side, difference.event)) for difference in cause.differences)
    present = dict.fromkeys((side, label) for side, label in found if label is not None)
    return sorted(present, key=lambda section: SIDES.index(section[0]))
