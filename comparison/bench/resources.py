"""CPU time, memory and files of other processes; the one module that uses psutil. All CPU time of a process is read
from its clock, which Linux counts in nanoseconds (clock_getcpuclockid(3)); user and system time come in ticks of 10 ms,
and only say how it is split.
"""

import math
import time
from collections.abc import Callable

from comparison.model import CannotCompare
from comparison.play.machine import cpu_clock_s, status

try:
    import psutil
except ImportError:
    psutil = None

# The process has ended, and what it used cannot be read any more.
Gone: type[Exception] = OSError if psutil is None else psutil.NoSuchProcess


def check() -> None:
    """Raises CannotCompare where what measures is not installed."""
    if psutil is None:
        raise CannotCompare("psutil is not installed, which tells CPU time and memory; get it with: pip install psutil")


def busy_cores() -> float | None:
    """How many of all cores are busy while this process waits for half a second; None where the system does not say."""
    try:
        return float(round(psutil.cpu_percent(0.5) / 100 * psutil.cpu_count(), 2))
    except (OSError, TypeError):
        return None


class Watched:
    """A process with all that it has started. Raises Gone where it is not there."""

    def __init__(self, pid: int) -> None:
        process = psutil.Process(pid)
        self._family = [process, *process.children(recursive=True)]

    def sum(self, figure: Callable[["psutil.Process"], float]) -> float:
        """A figure of all of them together."""
        return sum(map(figure, self._family))

    def used(self) -> tuple[float, float, float, float]:
        """CPU seconds so far, all of them and those in user and in system mode, which are coarser; and pages that the
        kernel had to provide, NaN where the system does not tell."""
        user_s = self.sum(lambda process: process.cpu_times().user)
        system_s = self.sum(lambda process: process.cpu_times().system)
        total_s = self.sum(lambda process: cpu_clock_s(process.pid) or sum(process.cpu_times()[:2]))
        return total_s, user_s, system_s, self.sum(_page_faults)

    def resident_bytes(self) -> float:
        """Memory in RAM now: pages shared with others count as its own, the kernel's socket buffers do not count."""
        return self.sum(lambda process: process.memory_info().rss)


def _page_faults(process: "psutil.Process") -> float:
    told = status(process.pid)
    return int(told[7]) if told else math.nan


def used_for(work: Callable[[], int], server_pid: int) -> dict[str, float]:
    """What both sides used for each of the messages or connections that `work` says it had; empty without any. Raises
    Gone where the server has ended. What is begun in `work` must be completed in it: no message is paid for outside."""
    server = Watched(server_pid)
    before = (time.perf_counter(), time.process_time(), *server.used())
    if not (count := work()):
        return {}
    after = (time.perf_counter(), time.process_time(), *server.used())
    used = (last - first for first, last in zip(before, after, strict=True))
    elapsed_s, own_s, total_s, user_s, system_s, faults = used
    each_us = total_s / count * 1e6
    system_us = each_us * system_s / (user_s + system_s) if user_s + system_s else 0.0
    values = {
        "per_s": count / elapsed_s,
        "server_cpu_us": each_us,
        "server_user_us": each_us - system_us,
        "server_system_us": system_us,
        "server_busy": total_s / elapsed_s,
        "generator_busy": own_s / elapsed_s,
        "faults": faults / count,
    }
    return {name: value for name, value in values.items() if not math.isnan(value)}
