"""What is measured, by name: the workloads, and the figures by which each is shown."""

from dataclasses import dataclass

from comparison.bench.plan import KIB
from comparison.model import MIB


@dataclass(frozen=True)
class Metric:
    """One figure of a sample: its head in a table, with the unit; what it is in a sentence; and how many of the
    sample's units make one of the head's."""

    title: str
    noun: str = ""
    divisor: float = 1.0
    digits: int = 1

    def text(self, value: float) -> str:
        """A value as a table shows it."""
        shown = value / self.divisor
        return f"{shown:,.{self.digits}f}" if abs(shown) < 1000 else f"{shown:,.0f}"


PERCENTILES = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}
"""Figures that are made from the latencies of an open loop: name -> share."""

COST = "server_cpu_us"
COST_PARTS = ("server_user_us", "server_system_us")

METRICS = {
    "per_s": Metric("per s", digits=0),
    COST: Metric("CPU us (user + system)", "server CPU"),
    "faults": Metric("page faults", digits=2),
    "p50_us": Metric("p50 us", digits=0),
    "p99_us": Metric("p99 us", digits=0),
    "p999_us": Metric("p99.9 us", digits=0),
    "empty_bytes": Metric("empty MiB", divisor=MIB),
    "per_connection_bytes": Metric("KiB per idle connection", "memory per idle connection", KIB),
    "again_bytes": Metric("as many again: MiB more", divisor=MIB),
}
"""What tables show. A sample has more: user and system time, what each side was busy with, how many were held."""


@dataclass(frozen=True)
class Workload:
    """What a server is given to do, what one unit of that work is, and the figures that are shown."""

    what: str
    per: str
    columns: tuple[str, ...]
    compared: str = COST
    """The figure whose ratio to the reference is taken; less is better."""
    over_tls: bool = True
    """Whether it is measured over TLS, too, where that is asked for."""


_MESSAGES = ("per_s", COST, "faults")
WORKLOADS = {
    "echo": Workload(
        "closed loop, as many requests in flight as there are connections; somebody has left before",
        "message",
        _MESSAGES,
    ),
    "fresh": Workload("the same of a server whom nobody has left yet", "message", _MESSAGES),
    "lines": Workload(
        "requests that end in a newline, several in flight on each connection, by four idioms and one that counts",
        "message",
        _MESSAGES,
        over_tls=False,
    ),
    "connect": Workload("connect, one echo, and the close of both sides", "connection", ("per_s", COST)),
    "memory": Workload(
        "resident memory of the server with 0, many, and again many idle connections",
        "connection",
        ("empty_bytes", "per_connection_bytes", "again_bytes"),
        compared="per_connection_bytes",
    ),
    "half": Workload(
        "open loop at half of what each server can do; latency counts from when each request should have left",
        "message",
        ("per_s", COST, *PERCENTILES),
    ),
}
"""By name, in the order in which they are listed."""
