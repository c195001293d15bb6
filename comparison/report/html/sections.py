"""Which section of the code makes which line of a log: by event and side, the same in every implementation.

The labels are those that the sources carry; `code` finds them there.
"""

from comparison.model import SIDES, Cause, Side
from comparison.vocabulary import kind

Section = tuple[Side, str]
"""Whose code, and the label of the section in it."""


def of(side: Side, event: str) -> str | None:
    """The label of the section for an event of a side; None for what no endpoint writes, such as what the engine's
    own sockets saw."""
    return kind(event).server if side == "server" else kind(event).client


def of_cause(cause: Cause) -> list[Section]:
    """The sections that make the lines of a cause, each once."""
    found = ((difference.side, of(difference.side, difference.event)) for difference in cause.differences)
    present = dict.fromkeys((side, label) for side, label in found if label is not None)
    return sorted(present, key=lambda section: SIDES.index(section[0]))
