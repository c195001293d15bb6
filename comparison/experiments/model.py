"""A behaviour, a case of it in a place, what was seen there, and what that means: it is held against a table. What was
seen can be kept as JSON, so that a later table can be held against it."""

import functools
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from behaviours.known import APIS, Known, Place, Row, named_loop, parsed, part_of, row_for
from behaviours.page import Page, pages
from common.loops import USUAL, packages
from comparison import files, shapes
from comparison.model import Interpreter

REMEDY = "remedy"  # the case that is the way around; the others are what it is the way around of
STANDS_IN_FOR = "asyncio"  # any loop that goes by no name here is held against the rows of this one

VERSION = 1
KEPT = "a file of `compare.py behaviours --save`"
WHERE = ("loop", "loop_version", "python")  # what is listed for what is otherwise the same

Levels = tuple[str, str, str]  # what may predict an outcome: an API, a loop and a Python


@dataclass(frozen=True, eq=False)
class Behaviour:
    """A behaviour: its page, its table, and the APIs that have each of its cases."""

    page: Page
    known: Known
    apis: dict[str, tuple[str, ...]]

    @property
    def traps(self) -> list[str]:
        """The cases that are not the way around."""
        return [case for case in self.known if case != REMEDY]


def everything() -> dict[str, Behaviour]:
    """All that there are, by name, in the order of their pages."""
    return {page.name: behaviour_of(page) for page in pages()}


def behaviour_of(page: Page) -> Behaviour:
    module = importlib.import_module(page.module)
    known: Known = module.KNOWN
    apis = {case: tuple(api for api in APIS if part_of(module, api, case) is not None) for case in known}
    return Behaviour(page, known, apis)


@dataclass(frozen=True)
class Cell:
    """A case of a behaviour in one API, on a loop under a Python. With `played_by` the case of that name runs in its
    place, which a table must notice."""

    behaviour: Behaviour
    case: str
    api: str
    loop: str
    python: Interpreter
    played_by: str = ""

    @property
    def place(self) -> Place:
        """Where it runs; the version of a loop is that of the package that it is called after, of asyncio none."""
        version = self.python.versions.get("".join(packages(self.loop)[-1:]), "")
        return Place(self.api, self.loop, self.python.version.split()[-1], version)


@dataclass(frozen=True)
class Evidence:
    """What was seen of a case in a place. More than one outcome: it was run again, since the first was a surprise."""

    behaviour: str
    case: str
    api: str
    loop: str
    loop_version: str
    python: str
    outcomes: tuple[str, ...] = ()
    bites: str = ""
    told: tuple[str, ...] = ()
    failed: str = ""
    skipped: str = ""

    @property
    def loop_and_version(self) -> str:
        return f"{self.loop} {self.loop_version}".strip()

    @property
    def levels(self) -> Levels:
        return self.api, self.loop, self.python


class State(StrEnum):
    """What an evidence means."""

    NEWS = "news"
    FAILED = "failed"
    UNSTEADY = "unsteady"
    SKIPPED = "skipped"
    KNOWN = "as known"


@dataclass(frozen=True, kw_only=True)
class Finding(Evidence):
    """An evidence, judged."""

    state: State
    reason: str = ""

    @property
    def is_surprise(self) -> bool:
        """Whether it is not as known, which the next look may take back."""
        return self.state in (State.NEWS, State.FAILED)

    @property
    def came_out(self) -> str:
        """The outcome, where it is as known, or what else it means."""
        match self.state:
            case State.KNOWN:
                return self.outcomes[-1]
            case State.NEWS:
                return f"{self.state}: {self.outcomes[-1]} ({self.reason})"
        return f"{self.state}: {self.reason}"

    @property
    def said(self) -> str:
        """The same with the harm that it does."""
        return f"{self.came_out} ({self.bites})" if self.bites else self.came_out


@dataclass(frozen=True)
class Survey:
    """All that was found, by behaviour, and what was left out."""

    behaviours: dict[str, Behaviour]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where there is news or a failure, 2 where nothing could be run."""
        if all(finding.state is State.SKIPPED for finding in self.findings):
            return 2
        return int(any(finding.is_surprise for finding in self.findings))

    def of(self, behaviour: Behaviour, *cases: str) -> list[Finding]:
        """What was found of some cases of a behaviour."""
        return [one for one in self.findings if one.behaviour == behaviour.page.name and one.case in cases]


def judged(behaviours: Mapping[str, Behaviour], evidences: Iterable[Evidence], notes: Sequence[str] = ()) -> Survey:
    """What all of them mean, in the order of the pages, without what is said of behaviours that there are no more."""
    order = list(behaviours)
    known = {(name, case): each.known for name, each in behaviours.items() for case in each.known}
    found = [judge(one, known[one.behaviour, one.case]) for one in evidences if (one.behaviour, one.case) in known]
    found.sort(key=lambda finding: (order.index(finding.behaviour), finding.levels))
    ran = {finding.behaviour for finding in found}
    return Survey({name: each for name, each in behaviours.items() if name in ran}, tuple(found), tuple(notes))


def judge(evidence: Evidence, known: Known) -> Finding:
    """What it means."""
    meaning = functools.partial(Finding, **vars(evidence))
    if evidence.skipped:
        return meaning(state=State.SKIPPED, reason=evidence.skipped)
    if evidence.failed:
        return meaning(state=State.FAILED, reason=evidence.failed)
    row, last = row_of(evidence, known), evidence.outcomes[-1]
    expected = [outcome.text for outcome in row.outcomes] if row is not None else []
    if not set(evidence.outcomes) <= set(expected) and len(set(evidence.outcomes)) > 1:
        return meaning(state=State.UNSTEADY, reason=f"now {', now '.join(evidence.outcomes)}")
    if evidence.case == REMEDY and evidence.bites:
        return meaning(state=State.FAILED, reason=f"the way around does not help: {last}")
    if last in expected:
        return meaning(state=State.KNOWN)
    reason = f"known is: {' or '.join(expected)}" if expected else "nothing is known of it here"
    for row in known.get(evidence.case, ()):  # another loop may have this outcome, whatever its version
        loop = named_loop(row.loop)[0] if row.loop is not None else None
        if last in [outcome.text for outcome in row.outcomes] and loop not in (None, evidence.loop):
            return meaning(state=State.NEWS, reason=f"{reason}, and this as on {loop}")
    return meaning(state=State.NEWS, reason=reason)


def row_of(evidence: Evidence, known: Known) -> Row | None:
    """What the table knows of its place."""
    loop = evidence.loop if evidence.loop in USUAL else STANDS_IN_FOR
    return row_for(known.get(evidence.case, ()), Place(evidence.api, loop, evidence.python, evidence.loop_version))


# --- Kept, and read again ---
def to_json(findings: Iterable[Finding]) -> str:
    """What was seen: what is the same on several loops and Pythons stands once, and each thing on a line."""
    places: dict[str, list[list[str]]] = {}
    for finding in findings:
        values = {name: value for name, value in asdict(finding).items() if value not in ("", ())}
        place = [values.pop(name, "") for name in WHERE]
        places.setdefault(json.dumps(values), []).append(place)
    lines = [f'{text[:-1]}, "where": {json.dumps(where)}}}' for text, where in places.items()]
    return f'{{"behaviours": {VERSION}, "seen": [\n' + ",\n".join(lines) + "\n]}\n"


def read(paths: Sequence[Path]) -> list[Evidence]:
    """What some files hold; of the same place the last one counts. Raises CannotCompare."""
    found: dict[tuple[str, ...], Evidence] = {}
    for path in paths:
        with files.document(files.read(path, KEPT), str(path), "behaviours", VERSION, KEPT) as document:
            for values in document["seen"]:
                for place in values["where"]:
                    evidence = shapes.make(Evidence, values | dict(zip(WHERE, place, strict=True)))
                    parsed(evidence.python)  # raises ValueError
                    if not (evidence.outcomes or evidence.failed or evidence.skipped):
                        raise ValueError(f"nothing came of {evidence.behaviour}")
                    found[evidence.behaviour, evidence.case, *evidence.levels] = evidence
    return list(found.values())
