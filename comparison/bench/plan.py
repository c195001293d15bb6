"""The values that pass between the parts of the benchmark. Plain and frozen; no I/O, no clock.

An arm is who is measured, a cell is what is measured of it, a sample is one arm in one cell in one round.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comparison.model import MIB

KIB = 1024

SIZES_BYTES = (64, KIB, 64 * KIB)
CONNECTIONS = (1, 10, 100)
MIDDLE_SIZE_BYTES = KIB
MIDDLE_CONNECTIONS = 10
MEMORY_CONNECTIONS = 1000
RATE_PER_S = 2000.0
"""Requests a second of the open loop: well below what the slowest arm can do, so that the latencies are of one load."""

BULK_BYTES = 128 * MIB

WORKLOADS = {
    "echo": "closed loop: one request in flight on each connection",
    "bulk": "a file goes to the server and comes back, with the clients of the comparison",
    "connect": "connect, one echo, and the close of both sides",
    "memory": "resident memory of the server with 0, many, and again 0 connections",
    "rate": "open loop: requests leave at a fixed rate, latency counts from when each should have left",
}


@dataclass(frozen=True)
class Arm:
    """Who is measured: the command of a server, and for bulk that of a client.

    A command with `{port}` in it is started as it stands, with `{host}` and `{port}` filled in. Any other keeps the
    contract of an endpoint: it takes the options `--host` and `--port`, and says where it is when it is ready.
    """

    label: str
    server_command: tuple[str, ...]
    client_command: tuple[str, ...] = ()
    factors: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the endpoint is made of, factor -> level: arms that differ in one can be told apart by it. Empty for an arm
    that only puts the others in proportion."""
    server_address: tuple[str, int] | None = None
    """Where the server listens, if it chooses that itself."""


@dataclass(frozen=True)
class Cell:
    """What is measured: a workload with its parameters, and the arms that take part. `arms[0]` is the reference."""

    workload: str
    size_bytes: int
    connections: int
    arms: tuple[str, ...]
    rate_per_s: float = 0.0

    @property
    def key(self) -> str:
        """Its name in files: stable, and unique in a plan."""
        rate = f"/{self.rate_per_s:g}" if self.rate_per_s else ""
        return f"{self.workload}/{self.size_bytes}/{self.connections}{rate}"

    @property
    def reference(self) -> str:
        return self.arms[0]

    def __str__(self) -> str:
        connections = f"{self.connections:,} connection{'s' * (self.connections != 1)}"
        match self.workload:
            case "bulk":
                return f"bulk, {size_text(self.size_bytes)} each way"
            case "memory":
                return f"memory, {connections}"
            case "rate":
                return f"rate, {self.rate_per_s:,.0f} requests/s of {size_text(self.size_bytes)}, {connections}"
        return f"{self.workload}, {size_text(self.size_bytes)}, {connections}"


@dataclass(frozen=True)
class Plan:
    """A whole benchmark. With `rounds` it runs as many; without, as many as fit into `time_s` seconds."""

    arms: tuple[Arm, ...]
    cells: tuple[Cell, ...]
    rounds: int | None
    time_s: float
    sample_s: float
    """How long one sample measures."""
    warm_up_s: float
    """How long the load runs before that; nothing of it is counted."""

    def arm(self, label: str) -> Arm:
        return next(arm for arm in self.arms if arm.label == label)


@dataclass(frozen=True)
class Sample:
    """One arm in one cell in one round: the figures, by the names in `metrics.METRICS`, and the latencies as a
    histogram (see `histogram`). What went wrong stands in `troubles`; a sample with trouble may lack figures."""

    cell: str
    arm: str
    round: int
    values: Mapping[str, float]
    latencies: Mapping[int, int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What limits the use of its figures, such as a generator that was at its limit."""


@dataclass(frozen=True)
class Results:
    """Everything that a view shows, and that a file keeps."""

    environment: Mapping[str, Any]
    arms: tuple[Arm, ...]
    cells: tuple[Cell, ...]
    samples: tuple[Sample, ...]
    settings: Mapping[str, float]
    """`sample_s`, `warm_up_s`, and `duration_s` of the whole."""
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    def of(self, cell: Cell, arm: str) -> list[Sample]:
        """The samples of one arm in a cell, in the order of the rounds."""
        found = [sample for sample in self.samples if (sample.cell, sample.arm) == (cell.key, arm)]
        return sorted(found, key=lambda sample: sample.round)

    def cells_of(self, workload: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.workload == workload]


def size_text(size_bytes: int) -> str:
    """A size as people say it: 64 B, 1 KiB, 128 MiB."""
    for unit, unit_bytes in (("MiB", MIB), ("KiB", KIB)):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:g} {unit}"
    return f"{size_bytes} B"
