"""What the generator is asked for, and what it answers: JSON on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load on one server. Times are in seconds."""

    workload: str
    host: str
    port: int
    server_pid: int
    """Whose CPU time and memory are read at both ends of the window."""
    size_bytes: int
    connections: int
    in_flight: int = 1
    """How many requests each connection of a closed loop has under way."""
    tls: bool = False
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
