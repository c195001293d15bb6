"""What the generator is asked for, and what it answers: two frozen dataclasses, JSON on the way."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from comparison import shapes


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
    rate_per_s: float = 0.0
    warm_up_s: float = 0.0
    sample_s: float = 1.0
    patience_s: float = 10.0
    """How long it waits for connections to open, and for answers that are late, before it calls that an error."""

    def __post_init__(self) -> None:
        if min(self.size_bytes, self.connections, self.in_flight) < 1:
            raise ValueError("size_bytes, connections and in_flight start at 1")

    @staticmethod
    def from_json(text: str) -> "Load":
        """Raises ValueError or TypeError where the text is no load."""
        return Load(**json.loads(text))

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Outcome:
    """What was measured: figures by the names in `metrics.METRICS`, latencies as a histogram of nanoseconds, and a
    sentence for each kind of thing that went wrong."""

    values: Mapping[str, float]
    latencies: Mapping[int, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @staticmethod
    def from_json(text: str) -> "Outcome":
        """Raises ValueError or TypeError where the text is no outcome."""
        made: Outcome = shapes.make(Outcome, json.loads(text))
        return made

    def to_json(self) -> str:
        return json.dumps(asdict(self))
