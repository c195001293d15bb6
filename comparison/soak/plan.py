"""What a soak looks at, and what it found: plain values."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from comparison.soak.slopes import Slope, grows, slope

Points = list[tuple[float, float]]

UNITS = {"connections": (1000, "1,000 connections"), "at_s": (60, "minute")}
"""What a figure must not grow with: in which unit that is told."""


@dataclass(frozen=True)
class Limit:
    """A figure that must not grow: what is tolerated for each unit of what it is held over, and in the whole run. Where
    `relative`, both are parts of the median of the run."""

    name: str
    title: str
    over: str
    tolerance: float
    floor: float
    unit: str = ""
    relative: bool = False


LIMITS = (
    Limit("memory_kib", "resident memory", "connections", tolerance=64, floor=1024, unit=" KiB"),
    Limit("files", "open files", "connections", tolerance=1, floor=4),
    Limit("threads", "threads", "connections", tolerance=1, floor=1),
    Limit("latency_us", "latency of a good peer", "at_s", tolerance=0.2, floor=0.5, unit=" us", relative=True),
)
"""64 KiB for 1,000 connections are 64 bytes for each: less than any object that could be forgotten. A file that is
forgotten once in 1,000 connections is one too many. Latency may double over the run: the machine
has other things to do."""


@dataclass
class Course:
    """What happened to one server; `troubles` are sentences."""

    label: str
    looks: list[Mapping[str, float]] = field(default_factory=list)
    """By name: the seconds since the start, the connections that peers have made so far, and the figures."""
    troubles: list[str] = field(default_factory=list)

    def points(self, limit: Limit, over: str = "at_s", unit: float = 1.0) -> Points:
        """A figure over the time in seconds, or something else."""
        return [(look[over] / unit, look[limit.name]) for look in self.looks if limit.name in look]

    def median(self, limit: Limit) -> float:
        """The median of a figure; 0 without any."""
        return statistics.median([value for _, value in self.points(limit)] or [0.0])

    def slope(self, limit: Limit) -> Slope | None:
        """By how much a figure grows."""
        return slope(self.points(limit, limit.over, UNITS[limit.over][0]))

    def tolerated(self, limit: Limit) -> float:
        """How much of that is tolerated."""
        return limit.tolerance * (self.median(limit) if limit.relative else 1)

    @property
    def growing(self) -> list[Limit]:
        """What grows above noise."""
        tolerated = [(limit, self.tolerated(limit)) for limit in LIMITS]
        return [
            limit for limit, most in tolerated if grows(self.slope(limit), most, most * limit.floor / limit.tolerance)
        ]

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
