"""What is known of a behaviour: its outcomes, and on which API, loop and versions each was seen. Pure data."""

import operator
import re
from dataclasses import dataclass
from typing import Any

Version = tuple[int, int, int, int, int]
"""Major, minor, micro, stage and number of a release: 3.15.0a3 comes before 3.15.0rc1, and that before 3.15.0."""

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
STAGES = {"a": -3, "b": -2, "rc": -1, "": 0}


@dataclass(frozen=True)
class Outcome:
    """What can come out, in a reader's words; `bites` is the harm that it does, and empty where it does none."""

    text: str
    bites: str = ""


@dataclass(frozen=True)
class Place:
    """Where a case has run: an API, a loop with the version of its package, and a Python."""

    api: str
    loop: str
    python: str
    loop_version: str = ""


@dataclass(frozen=True)
class Row:
    """Outcomes that were seen, and where; see `seen`."""

    outcomes: tuple[Outcome, ...]
    api: str | None = None
    loop: str | None = None
    since: str | None = None
    fixed: str | None = None
    bug: str | None = None
    read: str | None = None

    def fits(self, place: Place) -> bool:
        """Whether it tells of this place."""
        return (
            self.api in (None, place.api)
            and (self.loop is None or _is_loop(self.loop, place))
            and (self.since is None or has_release(place.python, self.since))
            and (self.fixed is None or not has_release(place.python, self.fixed))
        )


Known = dict[str, tuple[Row, ...]]
"""For each case its rows, from the special to the general: the first that fits counts."""


def outcome(text: str, *, bites: str = "") -> Outcome:
    """An outcome: 26 characters at most, and where it bites the harm as a phrase."""
    return Outcome(text, bites)


def seen(
    *outcomes: Outcome,
    api: str | None = None,
    loop: str | None = None,
    since: str | None = None,
    fixed: str | None = None,
    bug: str | None = None,
    read: str | None = None,
) -> Row:
    """What was seen with an API, on a loop (`uvloop`, `uvloop<0.22`), on the Pythons that have one of the releases
    `since` and do not have one of `fixed`: "3.12.9, 3.13.2" names one for each branch, and later branches have it.

    Of more than one outcome only timing decides. `bug` is the issue where it is one; `read` says where it was read of
    what nobody here has seen.
    """
    return Row(outcomes, api, loop, since, fixed, bug, read)


def known(**cases: list[Row]) -> Known:
    """The table of a behaviour: the rows of each of its cases, `trap` first."""
    return {case: tuple(rows) for case, rows in cases.items()}


def row_for(rows: tuple[Row, ...], place: Place) -> Row | None:
    """The row that counts in a place."""
    return next((row for row in rows if row.fits(place)), None)


def has_release(python: str, releases: str) -> bool:
    """Whether a Python has what came with these releases, one for each branch: `3.12.9, 3.13.2`."""
    version, first = parsed(python), sorted(parsed(release) for release in releases.split(","))
    for release in first:
        if release[:2] == version[:2]:
            return version >= release
    return version > first[-1]


def parsed(text: str) -> Version:
    """A version such as `3.15.0a3`, `0.22` or `3.14.2+` as numbers that compare. Raises ValueError."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:(a|b|rc)(\d+))?(?:[.+-].*|\+)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no version; give one like 3.12.9 or 3.15.0rc1")
    major, minor, micro, stage, number = match.groups()
    return int(major), int(minor), int(micro or 0), STAGES[stage or ""], int(number or 0)


def named_loop(text: str) -> tuple[str, list[tuple[str, str]]]:
    """`uvloop>=0.21,<0.23` as the loop's name and what its version must be. Raises ValueError."""
    match = re.fullmatch(r"([\w:.]+?)((?:,?(?:<=?|>=?)[\d.abrc]+)*)", text)
    if match is None:
        raise ValueError(f"{text!r} is no loop; give one like uvloop or uvloop<0.22")
    return match[1], re.findall(r"(<=?|>=?)([\d.abrc]+)", match[2])


def _is_loop(text: str, place: Place) -> bool:
    name, limits = named_loop(text)
    return name == place.loop and all(
        COMPARISONS[sign](parsed(place.loop_version), parsed(limit)) for sign, limit in limits
    )


# --- The parts of a lesson ---
APIS = ("streams", "protocol", "either")
"""How the names of the lesson begin; `either` is for what the API makes no difference to."""


def part_of(module: object, api: str, case: str) -> Any:
    """The part of a lesson for a case: `protocol_trap`, or the class `ProtocolTrap`. None where there is none."""
    name = f"{api}_{case}"
    return getattr(module, name, None) or getattr(module, class_name(name), None)


def class_name(name: str) -> str:
    """`ProtocolTrap` for `protocol_trap`."""
    return "".join(word.capitalize() for word in name.split("_"))
