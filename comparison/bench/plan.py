"""What can be measured, by name, and the values that pass between the parts of the benchmark. No I/O, no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comparison.layout import rounded
from comparison.model import KIB, MIB

MIDDLE = (KIB, 10)  # the size and the number of connections at which one is held while the other varies
LEAST_ROUNDS = 8  # from fewer an interval reaches from the least value to the greatest, if there is one
TCP, TLS = "tcp", "tls"
WARM_UP_S = 0.05  # a thousand messages: all code has run, and CPython has specialised it, after a few dozen calls


class Metric(NamedTuple):
    """One figure of a sample: its head in a table, with the unit; what it is in a sentence; and how many of the
    sample's units make one of the head's."""

    title: str
    noun: str = ""
    divisor: float = 1.0

    def text(self, value: float) -> str:
        """A value as a table shows it."""
        return rounded(value / self.divisor)


PERCENTILES = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}  # made from the latencies of an open loop
COST = "server_cpu_us"
COST_PARTS = ("server_user_us", "server_system_us")

METRICS = {
    "per_s": Metric("per s"),
    COST: Metric("CPU us (user + system)", "server CPU"),
    "faults": Metric("page faults"),
    "p50_us": Metric("p50 us"),
    "p99_us": Metric("p99 us"),
    "p999_us": Metric("p99.9 us"),
    "empty_bytes": Metric("empty MiB", divisor=MIB),
    "per_connection_bytes": Metric("KiB per idle connection", "memory", KIB),
    "again_bytes": Metric("as many again: MiB more", divisor=MIB),
}
"""What tables show. A sample has more: user and system time, what each side was busy with, how many were held."""


class Workload(NamedTuple):
    """What a server is given to do, the figures that are shown, and what one unit of that work is."""

    what: str
    columns: tuple[str, ...] = ("per_s", COST, "faults")
    per: str = "message"
    compared: str = COST  # the figure whose ratio to the reference is taken; less is better


WORKLOADS = {  # in the order in which they are listed
    "echo": Workload("closed loop, as many requests in flight as there are connections; somebody has left before"),
    "fresh": Workload("the same of a server whom nobody has left yet"),
    "lines": Workload("requests of a line, several in flight on each connection, by four idioms and one that counts"),
    "connect": Workload("connect, one echo, and the close of both sides", per="connection"),
    "memory": Workload(
        "resident memory of the server with 0, many, and again many idle connections",
        ("empty_bytes", "per_connection_bytes", "again_bytes"),
        "idle connection",
        compared="per_connection_bytes",
    ),
    "half": Workload(
        "open loop at half of what a server and the load can do; latency counts from when a request should have left",
        ("per_s", COST, "faults", *PERCENTILES),
    ),
}


@dataclass(frozen=True)
class Arm:
    """Who is measured: the command of a server, with `{host}` and `{port}` in it, and what it takes for TLS, if it can.
    Without `factors` (factor -> level) it is not to be chosen, and only puts others in proportion."""

    label: str
    server_command: tuple[str, ...]
    factors: Mapping[str, str] = field(default_factory=dict, hash=False)
    server_address: tuple[str, int] | None = None  # where the server listens, if it chooses that itself
    meaning: str = ""  # what it is, for the reader who does not know
    tls_options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """What is measured: a workload with its parameters, and the arms that take part. `arms[0]` is the reference, and
    no change touches the `anchor`, if one of them is."""

    workload: str
    size_bytes: int
    connections: int
    arms: tuple[str, ...]
    transport: str = TCP
    in_flight: int = 1
    anchor: str = ""

    @property
    def key(self) -> str:
        """Its name in files, unique in a plan."""
        many = f"/x{self.in_flight}" if self.workload == "lines" else ""
        tls = "/tls" if self.transport == TLS else ""
        return f"{self.workload}/{self.size_bytes}/{self.connections}{many}{tls}"

    @property
    def reference(self) -> str:
        return self.arms[0]

    @property
    def where(self) -> str:
        """Its parameters in words."""
        size = [size_text(self.size_bytes)] if self.workload != "memory" else []
        many = [f"{self.in_flight} in flight on each"] if self.workload == "lines" else []
        tls = ["TLS"] if self.transport == TLS else []
        return ", ".join([*size, f"{self.connections:,} connection{'s' * (self.connections != 1)}", *many, *tls])

    def __str__(self) -> str:
        return f"{self.workload}, {self.where}"


@dataclass(frozen=True)
class Plan:
    """A whole benchmark: each sample measures for `sample_s` seconds, after WARM_UP_S under the same load."""

    arms: tuple[Arm, ...]
    cells: tuple[Cell, ...]
    rounds: int
    sample_s: float

    def order(self) -> Iterator[tuple[int, Cell, Arm]]:
        """The samples, each with the number of its round, from 1. Rounds, not blocks: a machine drifts over minutes, so
        every arm is measured once in each round, next to the reference that it is held against. Even rounds run
        backwards: what the place in the order does cancels out."""
        arms = {arm.label: arm for arm in self.arms}
        forwards = [(cell, arms[label]) for cell in self.cells for label in cell.arms]
        for number in range(1, self.rounds + 1):
            for cell, arm in forwards if number % 2 else reversed(forwards):
                yield number, cell, arm

    def length_s(self, cell: Cell) -> float:
        """How long a sample of a cell measures. The open loop does little in a second: it gets three times the length,
        for percentiles that rest on something. Of many connections each shall have a few answers."""
        return max(self.sample_s * (3 if cell.workload == "half" else 1), cell.connections * 200e-6)


@dataclass(frozen=True)
class Load:
    """What the generator is asked for: the load of one sample. Times are in seconds."""

    cell: Cell
    address: tuple[str, int]
    server_pid: int  # whose CPU time and memory are read
    sample_s: float
    patience_s: float  # what connections get to open, and answers to come, before that is called an error


@dataclass(frozen=True)
class Sample:
    """One arm in one cell in one round: the figures, by the names in METRICS, and for an open loop how many
    latencies there were of each, in nanoseconds. What went wrong stands in `troubles`; then figures may be missing."""

    cell: str
    arm: str
    round: int
    values: Mapping[str, float]
    latencies: Mapping[int, int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """Everything that a view shows, and that a file keeps."""

    environment: Mapping[str, Any]
    arms: tuple[Arm, ...]
    cells: tuple[Cell, ...]
    samples: tuple[Sample, ...]
    settings: Mapping[str, float]  # `sample_s`, `warm_up_s`, and `duration_s` of the whole
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    def of(self, cell: Cell, arm: str) -> list[Sample]:
        """The samples of one arm in a cell, in the order of the rounds."""
        return [sample for sample in self.samples if sample.arm == arm and sample.cell == cell.key]

    def main(self, workload: str = "echo", transport: str = TCP) -> Cell | None:
        """The cell that speaks for its workload: the middle one, or else the first."""
        cells = [cell for cell in self.cells if (cell.workload, cell.transport) == (workload, transport)]
        return min(cells, key=lambda cell: (cell.size_bytes, cell.connections) != MIDDLE, default=None)

    def choices(self, cell: Cell) -> list[Arm]:
        """The arms of a cell among which one chooses."""
        return [arm for arm in self.arms if arm.label in cell.arms and arm.factors]


def size_text(size_bytes: int) -> str:
    """A size as people say it: 64 B, 1 KiB, 128 MiB."""
    for unit, unit_bytes in (("MiB", MIB), ("KiB", KIB)):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:g} {unit}"
    return f"{size_bytes} B"
