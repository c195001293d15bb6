"""What passes between the parts: a behaviour, a case of it in a place, what was seen there, and what that means."""

import importlib
from dataclasses import dataclass
from enum import StrEnum

from behaviours.known import APIS, Known, part_of
from behaviours.page import Page, pages
from comparison.model import Interpreter

REMEDY = "remedy"
"""The case that is the way around; the others are what it is the way around of."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """A behaviour: its page, its table, and the APIs that have each of its cases."""

    page: Page
    known: Known
    apis: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return self.page.name

    @property
    def traps(self) -> list[str]:
        """The cases that are not the way around."""
        return [case for case in self.known if case != REMEDY]


def everything() -> dict[str, Behaviour]:
    """All that there are, by name, in the order of their pages."""
    return {page.name: behaviour_of(page) for page in pages()}


def behaviour_of(page: Page) -> Behaviour:
    """The behaviour of a page."""
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
    def levels(self) -> tuple[str, str, str]:
        """What may predict its outcome: the factors of a place, as `places.FACTORS` names them."""
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

    def of(self, name: str, *cases: str) -> list[Finding]:
        """What was found of some cases of a behaviour."""
        return [finding for finding in self.findings if finding.behaviour == name and finding.case in cases]
