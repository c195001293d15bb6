"""CPU time, memory and files of other processes; the one module that uses psutil.

The total CPU time of a process is read from its CPU clock, which Linux counts in nanoseconds (clock_getcpuclockid(3));
user and system time come in ticks of 10 ms, and only say how the total is split.
"""

from dataclasses import dataclass

from comparison.model import CannotCompare
from comparison.play.machine import cpu_clock_s

try:
    import psutil
except ImportError:
    psutil = None

INSTALL = (
    "psutil is not installed, and CPU time and memory cannot be read without it; install it with: pip install psutil"
)


def check() -> None:
    """Raises CannotCompare where what measures is not installed."""
    if psutil is None:
        raise CannotCompare(INSTALL)


@dataclass(frozen=True)
class CPUTime:
    """CPU seconds used: all of them, and the parts in user and in system mode, which are coarser."""

    total_s: float
    user_s: float
    system_s: float

    def since(self, earlier: "CPUTime") -> "CPUTime":
        return CPUTime(self.total_s - earlier.total_s, self.user_s - earlier.user_s, self.system_s - earlier.system_s)

    @property
    def system_share(self) -> float:
        """The part of the time that was spent in the kernel, 0 to 1."""
        both_s = self.user_s + self.system_s
        return self.system_s / both_s if both_s > 0 else 0.0


class Gone(Exception):
    """The process has ended, and what it used cannot be read any more."""


class Watched:
    """A process with all that it has started. Raises Gone where it is not there."""

    def __init__(self, pid: int) -> None:
        if psutil is None:
            raise ModuleNotFoundError(INSTALL)
        try:
            self._process = psutil.Process(pid)
            self._family = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise Gone from None

    def cpu(self) -> CPUTime:
        """What it has used so far."""
        parts = [self._cpu_of(process) for process in self._family]
        return CPUTime(*(sum(getattr(part, name) for part in parts) for name in ("total_s", "user_s", "system_s")))

    def resident_bytes(self) -> int:
        """Memory that it has in RAM now. Pages shared with others count as its own; the kernel's socket buffers do not
        count at all."""
        try:
            return sum(process.memory_info().rss for process in self._family)
        except psutil.NoSuchProcess:
            raise Gone from None

    def page_faults(self) -> int | None:
        """Pages that the kernel had to provide so far; None where the system does not tell."""
        try:
            return sum(_page_faults(process.pid) for process in self._family)
        except OSError:
            return None

    def open_files(self) -> int:
        """Descriptors that it has open now: its connections are among them."""
        return self._sum("num_fds")

    def threads(self) -> int:
        """How many threads it has now."""
        return self._sum("num_threads")

    def _sum(self, what: str) -> int:
        try:
            return sum(getattr(process, what)() for process in self._family)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            raise Gone from None

    def _cpu_of(self, process: "psutil.Process") -> CPUTime:
        try:
            times = process.cpu_times()
            total_s = cpu_clock_s(process.pid)
        except psutil.NoSuchProcess:
            raise Gone from None
        return CPUTime(times.user + times.system if total_s is None else total_s, times.user, times.system)


def _page_faults(pid: int) -> int:
    """As Linux counts them: the tenth field of the line, in which a name may hold blanks."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b") ")[2].split()[7])
