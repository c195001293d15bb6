"""The values that pass between the parts of the engine: plain and frozen, so nobody changes them later."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

KIB, MIB = 1024, 1024 * 1024


def stretch(pattern: bytes, offset: int, length: int) -> bytes:
    """So many bytes of a pattern over and over, from an offset on."""
    start, times = offset % max(1, len(pattern)), length // max(1, len(pattern)) + 2
    return (pattern * times)[start : start + length]


Side = Literal["server", "client"]
SIDES: tuple[Side, Side] = ("server", "client")
OTHER: Mapping[Side, Side] = {"server": "client", "client": "server"}

Part = Literal["echo", "ending"]
PARTS: dict[Part, str] = {"echo": "what was echoed", "ending": "how it ended"}
"""The two questions that each cell answers, each with a verdict of its own."""


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
    takes_options: bool = True
    """The contract's; else its commands hold `{host}` and `{port}`, and its client sends what it reads."""
    server_address: tuple[str, int] | None = None
    """Where its server listens, if it chooses that itself: only one of these can run at a time."""

    def level(self, factor: str) -> str:
        """Its value on one of the FACTORS."""
        return str(getattr(self, factor))


FACTORS = ("implementation", "loop", "python")
"""The axes of the experiment, for each side."""

NO_LEVEL = "none"
"""The loop and the Python of a program that has none of ours."""

RAW = Endpoint("raw sockets", NO_LEVEL, NO_LEVEL, "raw sockets", (), ())
"""The engine itself, where it plays one side."""


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
class Expectation:
    """What must hold for every endpoint, whatever its API, its loop and its Python.

    `echo` is how much must come back: all, the beginning of it, less than the server had read when it cut, or nothing.
    The endings are the events with which a connection of that side may end; none where it is to tell of none.
    """

    echo: Literal["whole", "part", "cut", "nothing"] = "whole"
    server_exit: int = 0
    client_exit: int = 0
    server_endings: tuple[str, ...] = ("closing",)
    client_endings: tuple[str, ...] = ("closing",)
    server_connections: int | None = None
    """How many connections the server tells of; None: as many as there were."""
    all_accepted: bool = True
    """Without it, a system that is out of something may refuse connections before the server hears of them."""
    warnings: tuple[str, ...] = ()
    """The only events above level info that may be told."""
    told: tuple[str, ...] = ()
    """Events that must be told."""
    memory_mib: int | None = None
    """The most resident memory that an endpoint may ever take."""
    by_timing: tuple[str, ...] = ()
    """Events whose presence or text the clock decides: judged by all the rest, and not compared."""

    def exit_code(self, side: Side) -> int:
        return self.server_exit if side == "server" else self.client_exit

    def endings(self, side: Side) -> tuple[str, ...]:
        return self.server_endings if side == "server" else self.client_endings


@dataclass(frozen=True)
class Scenario:
    """What is tried, what must hold for everybody, and which differences it is there to show.

    Without a `script` the client sends `pattern`, `times` over, on each of its connections: as so many messages, from a
    file, or because they are its default. A script plays one side with raw sockets, and the other is on trial.
    """

    name: str
    description: str
    pattern: bytes = b""
    times: int = 1
    from_file: bool = False
    as_messages: bool = False
    connections: int = 1
    """How many are open at once: those of the client, or of the script, where they are many."""
    options: tuple[str, ...] = ()
    """Of the client, besides those that say what it sends and on how many connections."""
    server_options: tuple[str, ...] = ()
    expects: Expectation = Expectation()
    shows: tuple[str, ...] = ()
    """The names of the explanations that it is there to show: those that name it."""
    on_trial: tuple[Side, ...] = SIDES
    script: Callable[[Any], None] | None = field(default=None, compare=False)
    transports: tuple[str, ...] = ("tcp", "tcp6", "unix", "tls", "mtls")
    """What it can run over; the first is what it runs over where the user does not choose."""
    deadline_s: float = 15.0
    """What each endpoint gets to finish."""
    late_s: float | None = None
    """A run in which a thread of the engine overslept by more says nothing of a limit of time, and is played again."""

    @property
    def client_options(self) -> tuple[str, ...]:
        several = ("--connections", str(self.connections)) if self.connections > 1 else ()
        return (*several, *self.options)

    @property
    def length(self) -> int:
        """Bytes that each connection sends."""
        return len(self.pattern) * self.times


@dataclass(frozen=True)
class Transport:
    """What carries the bytes: the options by which a server and a client meet. `{port}`, `{socket}` (the path of a
    Unix socket) and `{certificates}` (a folder) stand for what is only known when they start."""

    name: str
    description: str
    server_options: tuple[str, ...]
    client_options: tuple[str, ...]
    is_far: bool = False
    """Whether it goes to another host, where no file of this one is."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes as a log line shows them: the first of them, and how many there were in all."""

    shown: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Event:
    """One log line, of a kind in `common.logs.EVENTS`, or `selector`, `log` (of another logger) or `unreadable`."""

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
    """What one process wrote, and its exit code, or None with the `trouble` that kept it from ending by itself."""

    command: tuple[str, ...]
    lines: tuple[str, ...]
    exit_code: int | None
    trouble: str | None = None
    peak_bytes: int | None = None
    """The most resident memory that it ever took, where the system tells."""
    fate: Literal["there", "absent", "hung"] = "there"
    """Of one in trouble: whether it was not there to be tried, or was still running at its deadline."""
    events: tuple[Event, ...] = ()
    """What its lines tell; of one that is silent, what was seen on the wire."""

    def part(self, places: Sequence[int]) -> "Log":
        """The same with the lines at these places only, and what they tell."""
        lines, events = tuple(self.lines[place] for place in places), tuple(self.events[place] for place in places)
        return replace(self, lines=lines, events=events)


@dataclass(frozen=True, eq=False)
class Run:
    """One server with one client, once; equal to itself only. The server's log leaves out other clients."""

    pairing: Pairing
    number: int
    server: Log
    client: Log
    silent: tuple[Side, ...] = ()
    """Sides that tell nothing in the words of the contract."""
    wire: tuple[Event, ...] = ()
    """What passed on the wire, in the words of the client, where somebody watched it."""
    machine: str = ""
    """Where it was played; empty where all were played on one machine."""

    def __str__(self) -> str:
        return f"{self.pairing}, run {self.number}" + (f" on {self.machine}" if self.machine else "")

    def is_raw(self, side: Side) -> bool:
        """Whether the engine played this side itself."""
        return self.pairing.end(side).implementation == RAW.implementation

    def log(self, side: Side) -> Log:
        return self.server if side == "server" else self.client


@dataclass(frozen=True, order=True, slots=True)
class ProjectedLine:
    """One line of what is compared: an event with ports replaced, or all chunks of one direction. `nth` tells equal
    lines of one connection apart."""

    event: str
    text: str
    nth: int = 1
    connection: int = field(default=0, compare=False)
    """Of which of them, in the order in which they are compared; 0 is the life of the program."""


Sign = Literal["+", "-", "~"]


@dataclass(frozen=True, order=True)
class Difference:
    """A projected line that is there (`+`), missing (`-`) or in another place (`~`) against the reference, in so many
    `times` connections more or fewer. An explanation of the first of two equal lines does not cover the second."""

    side: Side
    sign: Sign
    event: str
    text: str
    nth: int = 1
    times: int = 1


@dataclass(frozen=True)
class Observation:
    """A run, and what was made of it."""

    run: Run
    projected: Mapping[Side, tuple[ProjectedLine, ...]] = field(hash=False)
    faults: Mapping[Part, str] = field(hash=False)
    """Of each verdict that fails what must hold for every endpoint and does not; the first has caused the other."""
    cut: bool
    """Whether TCP cut the stream: a side got it in more than one piece."""


Presence = Literal["there", "missing", "either"]
SIGNS: Mapping[Presence, Sign] = {"there": "-", "missing": "+"}
"""How a line differs that is not as it should be: one that should be there is missing, and the other way round."""

Levels = tuple[str, ...]
Place = tuple[Levels, Presence]
Places = Mapping[Levels, Presence]
"""Whether a line is there at some levels of factors, from the special to the general; `*` stands for any level."""


@dataclass(frozen=True)
class Explanation:
    """An entry of the catalogue: why an event differs, for a reader new to asyncio, the axis that it expects to
    predict it, and where each of its events is to be found. It holds `everywhere`, or only in scenarios that are there
    to show it; `scenario` is one."""

    name: str
    title: str
    kind: Literal["told", "done"]
    """Only told, in a log line that not every endpoint can write, or done: a peer, a caller or an operator sees it."""
    axis: str
    places: Mapping[str, Places] = field(hash=False)
    text: str
    advice: str
    """What to do about it in one's own program."""
    source: str
    scenario: str
    everywhere: bool = False

    def place(self, event: str, levels: Levels) -> Place | None:
        """The first that fits for an event at these levels; None where the entry knows nothing of them."""
        places = self.places.get(event, {}).items()
        fits = (one for one in places if all(own in ("*", level) for own, level in zip(one[0], levels, strict=True)))
        return next(fits, None)


class Verdict(StrEnum):
    """What became of a cell, from best to worst."""

    SKIPPED = "skipped"
    REFERENCE = "reference"
    IDENTICAL = "identical"
    ALIKE = "alike"
    EXPLAINED = "explained"
    DIFFERENT = "different"
    FAILED = "failed"

    @property
    def is_trouble(self) -> bool:
        """Whether it makes the exit code 1."""
        return self in (Verdict.DIFFERENT, Verdict.FAILED)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; *skipped* where there is none."""
    return max(verdicts, key=list(Verdict).index, default=Verdict.SKIPPED)


@dataclass(frozen=True)
class Cause:
    """Why a difference or a failure occurs, as computed. `axes` are the factors that predict it, alone or two together,
    as the endpoint that wrote the line sees them ("peer loop"), of a failure by the side ("server loop")."""

    name: str
    """What it goes by: the name of its explanation, or a letter where it has none."""
    event: str
    """The kind of line that differs; of a failure what has failed, without numbers."""
    axes: tuple[str, ...]
    finding: str
    explanation: Explanation | None
    broken: Explanation | None
    """The entry of the catalogue about this event that does not hold here."""
    differences: tuple[Difference, ...]
    pairings: tuple[Pairing, ...]
    is_failure: bool = False

    @property
    def verdict(self) -> Verdict:
        """That of a cell in which nothing else differs."""
        if self.is_failure:
            return Verdict.FAILED
        if self.explanation is None:
            return Verdict.DIFFERENT
        return Verdict.ALIKE if self.explanation.kind == "told" else Verdict.EXPLAINED


@dataclass(frozen=True)
class Cell:
    """The verdicts on one pairing, with the reason and what they rest on."""

    pairing: Pairing
    verdicts: Mapping[Part, Verdict] = field(hash=False)
    """None where it was skipped: then it has nothing of what follows the reason."""
    reason: str
    causes: tuple[str, ...] = ()
    """The names of those that its runs show."""
    runs: tuple[Run, ...] = ()
    """Those that were kept to be looked at: one of each behaviour."""
    repeat: int = 0
    agreed: int = 0
    """How many of the runs behaved like the most frequent one."""
    cut: int = 0
    """In how many of them TCP cut the stream."""

    @property
    def verdict(self) -> Verdict:
        return worst(self.verdicts.values())


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff against the reference, with the names of its causes."""

    sign: Literal[" ", "+", "-"]
    text: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Pairings of which one side wrote the same log, and what sets that log apart from the reference."""

    side: Side
    pairings: tuple[Pairing, ...]
    lines: tuple[ProjectedLine, ...]
    diff: tuple[DiffLine, ...]


@dataclass(frozen=True)
class Comparison:
    """One scenario over one transport: everything that a report shows of it."""

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
    selection: tuple[str, ...] = ()
    """The options that choose the same endpoints and the same reference again."""
    after: str = ""
    """The scenario that has shown who takes no part in this one, and is tried before it once more."""
    saved_in: tuple[str, ...] = ()
    """The folders that it was judged from, where this machine alone cannot play their runs again."""

    @property
    def pairings(self) -> list[Pairing]:
        """Of every cell that there is to be."""
        return [Pairing(server, client) for server in self.servers for client in self.clients]

    def count(self, verdict: Verdict, part: Part | None = None) -> int:
        """How many cells have this verdict: in all, or on one of the two questions."""
        verdicts = [cell.verdict if part is None else cell.verdicts.get(part, Verdict.SKIPPED) for cell in self.cells]
        return verdicts.count(verdict)

    def cell(self, server: Endpoint, client: Endpoint) -> Cell:
        return next(cell for cell in self.cells if cell.pairing == Pairing(server, client))


@dataclass(frozen=True)
class Survey:
    """Everything that one call has compared, in the order in which it was tried. `duration_s` is all of it."""

    comparisons: tuple[Comparison, ...]
    duration_s: float
    otherwise: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Loop -> the behaviours that it has otherwise than asyncio, where that was asked."""

    def count(self, verdict: Verdict) -> int:
        return sum(comparison.count(verdict) for comparison in self.comparisons)

    @property
    def exit_code(self) -> int:
        """As diff(1): 0 where nothing is different or failed, 1 where something is, 2 where nothing ran."""
        found = worst(cell.verdict for comparison in self.comparisons for cell in comparison.cells)
        return 2 if found is Verdict.SKIPPED else int(found.is_trouble)
