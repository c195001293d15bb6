"""What is measured, by name: the meaning, the unit, and which figures of a workload are compared."""

from dataclasses import dataclass

from comparison.bench.plan import KIB
from comparison.model import MIB


@dataclass(frozen=True)
class Metric:
    """One figure of a sample."""

    name: str
    title: str
    """Its head in a table, with the unit."""
    noun: str = ""
    """In a sentence: "1.6 x the ... of"."""
    divisor: float = 1.0
    """From the unit of the sample to that of the title."""
    lower_is_better: bool = True
    digits: int = 1

    def text(self, value: float) -> str:
        """A value as a table shows it."""
        shown = value / self.divisor
        return f"{shown:,.{self.digits}f}" if abs(shown) < 1000 else f"{shown:,.0f}"


PERCENTILES = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p999_us": 0.999}
"""Figures that are made from the latencies of an open loop: name -> share."""

METRICS = {
    metric.name: metric
    for metric in (
        Metric("per_s", "per s", "rate", lower_is_better=False, digits=0),
        Metric("server_cpu_us", "CPU us", "server CPU"),
        Metric("faults", "page faults", digits=2),
        Metric("p50_us", "p50 us", "median latency", digits=0),
        Metric("p90_us", "p90 us", digits=0),
        Metric("p99_us", "p99 us", digits=0),
        Metric("p999_us", "p99.9 us", digits=0),
        Metric("mib_per_s", "MiB/s", "throughput", lower_is_better=False, digits=0),
        Metric("server_cpu_s_per_gib", "server CPU s/GiB", digits=2),
        Metric("client_cpu_s_per_gib", "client CPU s/GiB", digits=2),
        Metric("empty_bytes", "empty MiB", divisor=MIB),
        Metric("per_connection_bytes", "KiB per idle connection", "memory per idle connection", KIB),
        Metric("again_bytes", "as many again: MiB more", divisor=MIB),
    )
}
"""What tables show. A sample has more: user and system time, what each side was busy with, how many were held."""


@dataclass(frozen=True)
class Column:
    """What stands under one head of a table: a figure, and the parts that it is made of."""

    title: str
    metric: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """How a workload is shown: the figure whose ratio to the reference is taken, and those beside it."""

    compared: str
    per: str
    """What one unit of the work is."""
    columns: tuple[Column, ...]


def _plain(*names: str) -> tuple[Column, ...]:
    return tuple(Column(METRICS[name].title, name) for name in names)


_CPU = Column("CPU us (user + system)", "server_cpu_us", ("server_user_us", "server_system_us"))
_MESSAGES = View("server_cpu_us", "message", (*_plain("per_s"), _CPU, *_plain("faults")))
VIEWS = {
    "echo": _MESSAGES,
    "fresh": _MESSAGES,
    "lines": _MESSAGES,
    "connect": View("server_cpu_us", "connection", (*_plain("per_s"), _CPU)),
    "memory": View("per_connection_bytes", "connection", _plain("empty_bytes", "per_connection_bytes", "again_bytes")),
    "half": View("server_cpu_us", "message", (*_plain("per_s"), _CPU, *_plain("p50_us", "p99_us", "p999_us"))),
    "rate": View("p50_us", "request", _plain(*PERCENTILES)),
    "bulk": View("mib_per_s", "transfer", _plain("mib_per_s", "server_cpu_s_per_gib", "client_cpu_s_per_gib")),
}
"""Workload -> how it is shown."""
