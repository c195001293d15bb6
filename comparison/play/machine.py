"""What this machine has for a scenario, and how busy it is. What it lacks says nothing about an endpoint: a *skip*."""

import contextlib
import errno
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator

from common.config import UNIX_PATH_BYTES
from comparison.model import Scenario
from comparison.play.workers import in_a_thread

JOBS = 2 * (os.cpu_count() or 1)  # servers at once where nobody says so: each waits as often as it computes
SPARE_FILES = 24  # what an endpoint has open besides its connections: it needs 16, and a few while it starts
FILES_OF_A_RUN = 8  # what the engine has open for a run besides its own peers: pipes, and what starting a process takes
ENDS_OF_SOCKETS = len("/compare-12345678/echo.sock")  # of a Unix socket's path, after the folder of temporary files
BEAT_S = 0.01  # how often a heartbeat looks whether it is late

OUT_OF = {
    errno.EMFILE: "file descriptors; raise the limit: ulimit -n",
    errno.ENFILE: "file descriptors in the whole system; close other programs",
    errno.ENOSPC: "space on the disk; make room, or set TMPDIR to another place",
    errno.EDQUOT: "space on the disk for this user; make room, or set TMPDIR to another place",
    errno.EFBIG: "room for a file of this size; raise the limit: ulimit -f",
    errno.EROFS: "a folder that can be written to; set TMPDIR to one",
    errno.EAGAIN: "processes and threads; end other programs, or raise the limit: ulimit -u",
    errno.ENOMEM: "memory; close other programs",
    errno.ENOBUFS: "memory for sockets; close other programs",
}
"""What a machine can be out of, with the remedy."""


class Skip(Exception):
    """What was to be played cannot be played here; the text is the reason."""


class Busy(Exception):
    """The machine was too late in this run to tell: it is to be played again."""


def out_of(error: OSError) -> str | None:
    """What the machine is out of where this error befalls the engine itself; None where it means something else."""
    lacking = OUT_OF.get(error.errno or 0)
    return f"this machine is out of {lacking}" if lacking is not None else None


def allow_files(wanted: int) -> int:
    """Lift the soft limit of open files, for all that we start, too: how many may be open, `wanted` at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS calls the hard limit unlimited and then refuses it
        return soft
    return wanted


def too_few_files(connections: int) -> str | None:
    """Why a process cannot have so many connections open here, with the remedy; None where it can."""
    wanted = connections + SPARE_FILES
    if (limit := allow_files(wanted)) == wanted:
        return None
    return f"a process may have {limit} files open here, and this takes {wanted}; raise the limit: ulimit -n {wanted}"


def limit_files(pid: int, left: int) -> None:
    """Leave a process that runs so many file descriptors more than it holds. Raises Skip where the system cannot."""
    if not hasattr(resource, "prlimit"):
        raise Skip("only Linux can limit the open files of a process that runs")
    limit = left + len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))


def runs_at_once(scenario: Scenario, jobs: int) -> int:
    """How many runs, `jobs` at most, the engine has files for: where it plays one side, it holds one end of each."""
    of_each = FILES_OF_A_RUN + (scenario.connections if scenario.script is not None else 0)
    return max(1, (allow_files(SPARE_FILES + of_each * jobs) - SPARE_FILES) // of_each)


def folder_for_sockets() -> str | None:
    """The folder for temporary files, or /tmp where a path in it would be too long for a Unix socket; else None."""
    try:
        usual = tempfile.gettempdir()
    except FileNotFoundError:
        return None
    for folder in (usual, "/tmp"):
        if len(os.fsencode(folder)) + ENDS_OF_SOCKETS <= UNIX_PATH_BYTES and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def cpu_clock_s(pid: int) -> float | None:
    """The CPU clock of a process, all threads together; None where the system has none for others."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid(3) of the C library makes it: CPUCLOCK_SCHED
    except (OSError, AttributeError, OverflowError):
        return None


def status(pid: int) -> list[bytes]:
    """What Linux tells of a process in /proc/PID/stat, from its state on; nothing where the system has no such file."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # as bytes: the name of the program stands there, too
            return file.read().rpartition(b") ")[2].split()
    except OSError:
        return []


def wants_cpu(pid: int) -> bool:
    """Whether the first thread of a process runs, or would if it got a core; False where the system does not tell."""
    return status(pid)[:1] == [b"R"]


@contextlib.contextmanager
def heartbeat(late_s: float | None) -> Iterator[None]:
    """Raises Busy at the end of the block where a thread, which only sleeps meanwhile, overslept by more than that."""
    over = threading.Event()
    found = in_a_thread(_overslept_s, over)
    try:
        yield
    finally:
        over.set()
        overslept_s = found.result()
    if late_s is not None and overslept_s > late_s:
        raise Busy


def _overslept_s(over: threading.Event) -> float:
    """Sleep again and again until it is over: by how much too long at most."""
    longest_s, is_over = 0.0, False
    while not is_over:
        start_s = time.monotonic()
        is_over = over.wait(BEAT_S)
        longest_s = max(longest_s, time.monotonic() - start_s - BEAT_S)
    return longest_s
