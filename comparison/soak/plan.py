"""What a soak looks at, and what it found: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comparison.soak.slopes import Slope, grows, slope


@dataclass(frozen=True)
class Limit:
    """A figure that must not grow: by its unit, for each 1,000 connections or each minute, and what is tolerated.

    Where `relative`, tolerance and floor are parts of the median of the run.
    """

    name: str
    title: str
    unit: str
    per: str
    tolerance: float
    floor: float
    relative: bool = False


PER_CONNECTIONS, PER_MINUTE = "1,000 connections", "minute"

LIMITS = (
    Limit("memory_kib", "resident memory", "KiB", PER_CONNECTIONS, tolerance=64, floor=1024),
    Limit("files", "open files", "open files", PER_CONNECTIONS, tolerance=1, floor=4),
    Limit("threads", "threads", "threads", PER_CONNECTIONS, tolerance=1, floor=1),
    Limit("latency_us", "latency of a good peer", "us", PER_MINUTE, tolerance=0.2, floor=0.5, relative=True),
)
"""64 KiB for 1,000 connections are 64 bytes for each: less than any object that could be forgotten. A file that is
forgotten once in 1,000 connections is one too many. Latency may double over the run: the machine
has other things to do."""


@dataclass(frozen=True)
class Look:
    """One look at a server: seconds since the start, connections that peers have made so far, and the figures."""

    at_s: float
    connections: int
    figures: Mapping[str, float]


@dataclass
class Course:
    """What happened to one server; `troubles` are sentences."""

    label: str
    looks: list[Look] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def points(self, limit: Limit) -> list[tuple[float, float]]:
        """The figure over what it must not grow with."""
        return [
            (
                look.connections / 1000 if limit.per == PER_CONNECTIONS else look.at_s / 60,
                look.figures[limit.name],
            )
            for look in self.looks
            if limit.name in look.figures
        ]

    def slope(self, limit: Limit) -> Slope | None:
        return slope(self.points(limit))

    def limits(self, limit: Limit) -> tuple[float, float]:
        """Tolerance and floor in the unit of the limit."""
        if not limit.relative:
            return limit.tolerance, limit.floor
        values = sorted(value for _, value in self.points(limit))
        middle = values[len(values) // 2] if values else 0.0
        return limit.tolerance * middle, limit.floor * middle

    @property
    def growing(self) -> list[Limit]:
        """What grows above noise."""
        return [limit for limit in LIMITS if grows(self.slope(limit), *self.limits(limit))]

    @property
    def failed(self) -> bool:
        return bool(self.growing or self.troubles)


@dataclass(frozen=True)
class Soak:
    """All servers of one soak."""

    courses: tuple[Course, ...]
    minutes: float
    environment: Mapping[str, str]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        return int(any(course.failed for course in self.courses))
