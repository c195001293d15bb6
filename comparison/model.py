"""The values that pass between the parts of the engine. Plain and frozen: who makes one decides it, nobody changes
it later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Side = Literal["server", "client"]
SIDES: tuple[Side, Side] = ("server", "client")


class CannotCompare(Exception):
    """Trouble that the user can mend: the text says what is wrong, the value, and the remedy. Exit code 2."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that endpoints run under. `versions` has one entry for each loop package that it can import."""

    path: str
    version: str
    versions: Mapping[str, str] = field(hash=False, compare=False)


@dataclass(frozen=True)
class Endpoint:
    """An implementation on an event loop under an interpreter; the same label stands for its server and its client."""

    implementation: str
    loop: str
    python: str
    label: str
    server_command: tuple[str, ...]
    client_command: tuple[str, ...]

    def level(self, factor: str) -> str:
        """Its value on one axis of the experiment: `implementation`, `loop` or `python`."""
        return str(getattr(self, factor))


FACTORS = ("implementation", "loop", "python")


@dataclass(frozen=True)
class Pairing:
    """One cell of the matrix."""

    server: Endpoint
    client: Endpoint

    def end(self, side: Side) -> Endpoint:
        return self.server if side == "server" else self.client

    def __str__(self) -> str:
        return f"{self.server.label} -> {self.client.label}"


@dataclass(frozen=True)
class Scenario:
    """What is tried: what each connection of the client sends, and how. The same bytes must come back on each.

    The bytes are `pattern`, `times` over; with `from_file` the client reads them from a file.
    """

    name: str
    description: str
    pattern: bytes
    times: int = 1
    from_file: bool = False
    connections: int = 1
    options: tuple[str, ...] = ()
    """Further options of the client."""
    server_options: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Bytes that each connection sends."""
        return len(self.pattern) * self.times

    def starts_with(self, data: bytes) -> bool:
        """Whether a short piece is how the bytes begin."""
        return (self.pattern * (len(data) // max(1, len(self.pattern)) + 1))[: len(data)] == data


@dataclass(frozen=True)
class Transport:
    """What carries the bytes: the options by which a server and a client meet.

    `{port}`, `{socket}` (the path of a Unix socket) and `{certificates}` (a folder) stand for what is only known when
    they start.
    """

    name: str
    description: str
    server_options: tuple[str, ...]
    client_options: tuple[str, ...]


@dataclass(frozen=True)
class Payload:
    """Bytes as a log line shows them: the first of them, and how many there were in all."""

    shown: bytes
    length: int


@dataclass(frozen=True)
class Event:
    """One log line. `name` is its kind in `common.logs.EVENTS`, or `selector`, `log` (another logger's line) or
    `unreadable`."""

    name: str
    speaker: str
    message: str
    level: str = ""
    t_ns: int | None = None
    payload: Payload | None = None
    fields: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def plain(self) -> str:
        """The line as a person reads it."""
        return f"{self.speaker}: {self.message}" if self.speaker else self.message


@dataclass(frozen=True)
class Log:
    """What one process wrote and how it ended: the exit code, or None with the `trouble` that kept it from ending
    by itself."""

    command: tuple[str, ...]
    lines: tuple[str, ...]
    exit_code: int | None
    trouble: str | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """One server with one client, once; equal to itself only. The server's events are its own life and those of
    this client's connections."""

    pairing: Pairing
    number: int
    server: Log
    client: Log
    server_events: tuple[Event, ...]
    client_events: tuple[Event, ...]

    def log(self, side: Side) -> Log:
        return self.server if side == "server" else self.client

    def events(self, side: Side) -> tuple[Event, ...]:
        return self.server_events if side == "server" else self.client_events


@dataclass(frozen=True, order=True)
class ProjectedLine:
    """One line of what is compared: an event with ports replaced, or all chunks of one direction joined."""

    event: str
    text: str


@dataclass(frozen=True, order=True)
class Difference:
    """A projected line that is there (`+`), missing (`-`) or in another place (`~`) against the reference.

    `occurrence` tells the second of two equal lines from the first: an explanation of the one does not cover the other.
    """

    side: Side
    sign: Literal["+", "-", "~"]
    event: str
    text: str
    occurrence: int = 1


@dataclass(frozen=True)
class Explanation:
    """An entry of the catalogue: why an event differs, for a reader new to asyncio; the axis that it expects to
    predict it."""

    event: str
    name: str
    axis: str
    text: str
    source: str


@dataclass(frozen=True)
class Cause:
    """Why a difference occurs, as computed. `axes` are the factors that predict it in every run, alone or two
    together, as seen from the endpoint that wrote the line ("own loop", "peer implementation"); empty where none
    does."""

    letter: str
    event: str
    axes: tuple[str, ...]
    finding: str
    explanation: Explanation | None
    explained: bool
    differences: tuple[Difference, ...]
    pairings: tuple[Pairing, ...]


class Verdict(StrEnum):
    """What became of a cell, from best to worst."""

    IDENTICAL = "identical"
    EXPLAINED = "explained"
    DIFFERENT = "different"
    FAILED = "failed"


@dataclass(frozen=True)
class Cell:
    """The verdict on one pairing, with the reason and what it rests on."""

    pairing: Pairing
    verdict: Verdict
    reason: str
    letters: tuple[str, ...]
    runs: tuple[Run, ...]
    agreed: int
    """How many of the runs behaved like the most frequent one."""
    cut: int
    """In how many of the runs TCP cut the stream: a side got it in more than one piece."""


@dataclass(frozen=True)
class Group:
    """Pairings of which one side wrote the same log, and what sets that log apart from the reference."""

    side: Side
    pairings: tuple[Pairing, ...]
    lines: tuple[ProjectedLine, ...]
    diff: tuple[tuple[Literal[" ", "+", "-"], str, str], ...]
    """Sign, line, and the letters of the causes that explain it."""


@dataclass(frozen=True)
class Comparison:
    """Everything that a report shows."""

    scenario: Scenario
    transport: Transport
    environment: Mapping[str, str]
    endpoints: tuple[Endpoint, ...]
    servers: tuple[Endpoint, ...]
    clients: tuple[Endpoint, ...]
    reference: Pairing
    repeat: int
    cells: tuple[Cell, ...]
    causes: tuple[Cause, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    duration_s: float

    def count(self, verdict: Verdict) -> int:
        return sum(cell.verdict is verdict for cell in self.cells)

    def cell(self, server: Endpoint, client: Endpoint) -> Cell:
        return next(cell for cell in self.cells if cell.pairing == Pairing(server, client))

    @property
    def exit_code(self) -> int:
        """As diff(1): 0 where nothing is different or failed, else 1."""
        return int(any(cell.verdict in (Verdict.DIFFERENT, Verdict.FAILED) for cell in self.cells))
