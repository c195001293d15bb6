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
    noun: str
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
"""Figures that are made from the latencies of a sample: name -> share."""

METRICS = {
    metric.name: metric
    for metric in (
        Metric("per_s", "per s", "rate", lower_is_better=False, digits=0),
        Metric("server_cpu_us", "CPU us", "server CPU"),
        Metric("server_user_us", "user us", "server CPU in user mode"),
        Metric("server_system_us", "system us", "server CPU in the kernel"),
        Metric("server_busy", "server busy", "share of a core", digits=2),
        Metric("generator_cpu_us", "load CPU us", "CPU of the load generator"),
        Metric("generator_busy", "load busy", "share of a core", digits=2),
        Metric("p50_us", "p50 us", "median latency", digits=0),
        Metric("p90_us", "p90 us", "90th percentile of the latency", digits=0),
        Metric("p99_us", "p99 us", "99th percentile of the latency", digits=0),
        Metric("p999_us", "p99.9 us", "99.9th percentile of the latency", digits=0),
        Metric("mib_per_s", "MiB/s", "throughput", lower_is_better=False, digits=0),
        Metric("server_cpu_s_per_gib", "server CPU s/GiB", "server CPU", digits=2),
        Metric("server_user_s_per_gib", "server user", "server CPU in user mode", digits=2),
        Metric("server_system_s_per_gib", "server system", "server CPU in the kernel", digits=2),
        Metric("client_cpu_s_per_gib", "client CPU s/GiB", "client CPU", digits=2),
        Metric("client_user_s_per_gib", "client user", "client CPU in user mode", digits=2),
        Metric("client_system_s_per_gib", "client system", "client CPU in the kernel", digits=2),
        Metric("held", "held", "connections", lower_is_better=False, digits=0),
        Metric("empty_bytes", "empty MiB", "memory with nobody connected", MIB),
        Metric("full_bytes", "full MiB", "memory with all connected", MIB),
        Metric("per_connection_bytes", "KiB per connection", "memory per connection", KIB),
        Metric("left_bytes", "left MiB", "memory that stays behind", MIB),
    )
}


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


_LATENCIES = _plain(*PERCENTILES)
_CPU = Column("CPU us (user + system)", "server_cpu_us", ("server_user_us", "server_system_us"))
VIEWS = {
    "echo": View("server_cpu_us", "message", (*_plain("per_s"), _CPU)),
    "bulk": View("mib_per_s", "transfer", _plain("mib_per_s", "server_cpu_s_per_gib", "client_cpu_s_per_gib")),
    "connect": View("server_cpu_us", "connection", (*_plain("per_s"), _CPU)),
    "memory": View("per_connection_bytes", "connection", _plain("empty_bytes", "per_connection_bytes", "left_bytes")),
    "rate": View("p99_us", "request", _LATENCIES),
}
"""Workload -> how it is shown."""

LATENCY_COLUMNS = {name: (*_LATENCIES, *_plain("generator_cpu_us")) for name in ("echo", "connect")}
"""A second table, for workloads whose first is about something else."""
