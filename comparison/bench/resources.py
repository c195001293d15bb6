"""CPU time, memory and files of other processes; the one module that uses psutil.

The total CPU time of a process is read from its CPU clock, which Linux counts in nanoseconds (clock_getcpuclockid(3));
user and system time come in ticks of 10 ms, and only say how the total is split.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

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


class Used(NamedTuple):
    """What a process has used so far: CPU seconds, all of them and the parts in user and in system mode, which are
    coarser; and pages that the kernel had to provide, None where the system does not tell."""

    total_s: float
    user_s: float
    system_s: float
    page_faults: int | None


class Gone(Exception):
    """The process has ended, and what it used cannot be read any more."""


class Watched:
    """A process with all that it has started. Raises Gone where it is not there."""

    def __init__(self, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            self._family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise Gone from None

    def used(self) -> Used:
        """What it has used so far."""
        user_s = self._sum(lambda process: process.cpu_times().user)
        system_s = self._sum(lambda process: process.cpu_times().system)
        clocks_s = [cpu_clock_s(process.pid) for process in self._family]
        known_s = [clock_s for clock_s in clocks_s if clock_s is not None]
        total_s = sum(known_s) if len(known_s) == len(clocks_s) else user_s + system_s
        return Used(total_s, user_s, system_s, self._page_faults())

    def resident_bytes(self) -> int:
        """Memory that it has in RAM now. Pages shared with others count as its own; the kernel's socket buffers do not
        count at all."""
        return int(self._sum(lambda process: process.memory_info().rss))

    def open_files(self) -> int:
        """Descriptors that it has open now: its connections are among them."""
        return int(self._sum(lambda process: process.num_fds()))

    def threads(self) -> int:
        """How many threads it has now."""
        return int(self._sum(lambda process: process.num_threads()))

    def _sum(self, figure: Callable[["psutil.Process"], float]) -> float:
        try:
            return sum(map(figure, self._family))
        except psutil.NoSuchProcess:
            raise Gone from None

    def _page_faults(self) -> int | None:
        """As Linux counts them: the tenth field of the line, in which a name may hold blanks."""
        count = 0
        for process in self._family:
            try:
                with open(f"/proc/{process.pid}/stat", "rb") as file:
                    count += int(file.read().rpartition(b") ")[2].split()[7])
            except OSError:
                return None
        return count


class Window:
    """The window of time in which is counted: what both sides used in it.

    Opens and closes with a `with` block; raises Gone where the server has ended. Whatever is begun in it is also
    completed in it, so that no message is paid for outside.
    """

    def __init__(self, server_pid: int) -> None:
        self._server = Watched(server_pid)

    def __enter__(self) -> "Window":
        self._before = self._server.used()
        self._own_s, self._began_s = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._elapsed_s = time.perf_counter() - self._began_s
            self._own_s = time.process_time() - self._own_s
            self._after = self._server.used()

    def values(self, count: int) -> dict[str, float]:
        """The figures of `count` messages or connections; empty without any."""
        if not count:
            return {}
        before, after = self._before, self._after
        total_s = after.total_s - before.total_s
        user_s, system_s = after.user_s - before.user_s, after.system_s - before.system_s
        each_us = total_s / count * 1e6
        system_us = each_us * system_s / (user_s + system_s) if user_s + system_s else 0.0
        values = {
            "per_s": count / self._elapsed_s,
            "server_cpu_us": each_us,
            "server_user_us": each_us - system_us,
            "server_system_us": system_us,
            "server_busy": total_s / self._elapsed_s,
            "generator_busy": self._own_s / self._elapsed_s,
        }
        if before.page_faults is not None and after.page_faults is not None:
            values["faults"] = (after.page_faults - before.page_faults) / count
        return values
