"""What the generator is asked for, and what it answers: JSON on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comparison.bench.plan import Cell


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load of one cell on one server. Times are in seconds."""

    cell: Cell
    host: str
    port: int
    server_pid: int
    """Whose CPU time and memory are read at both ends of the window."""
    warm_up_s: float = 0.0
    sample_s: float = 1.0
    patience_s: float = 10.0
    """How long it waits for connections to open, and for answers that are late, before it calls that an error."""


@dataclass(frozen=True)
class Outcome:
    """What was measured: figures by the names in `metrics.METRICS`, latencies as a histogram of nanoseconds, and a
    sentence for each kind of thing that went wrong."""

    values: Mapping[str, float]
    latencies: Mapping[int, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
