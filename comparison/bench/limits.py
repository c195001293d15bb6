"""What the machine allows: open files, ports, cores. Checked before anything is started."""

import os
from collections.abc import Sequence
from pathlib import Path

from comparison.bench.plan import Cell
from comparison.model import CannotCompare
from comparison.play.machine import allow_files

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

SPARE_FILES = 64
"""What a process has open besides its connections: standard streams, the listening socket, epoll, its modules."""

SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
DEFAULT_PORTS = 16384
"""Where the system does not say: the range that IANA sets aside for ephemeral ports, 49152 to 65535."""


def check_connections(cells: Sequence[Cell]) -> None:
    """Raises CannotCompare, with the remedy, where this machine cannot hold so many connections at once. Lifts the
    soft limit of open files, which the processes that we start inherit."""
    most = max(cell.connections for cell in cells)
    ports = ephemeral_ports()
    if most > ports:
        raise CannotCompare(
            f"--connections {most}: this machine has {ports} ephemeral ports for connections to one address; "
            f"ask for fewer, or widen the range: sysctl -w net.ipv4.ip_local_port_range='1024 65535'"
        )
    wanted = most + SPARE_FILES
    if (limit := allow_files(wanted)) is not None:
        raise CannotCompare(
            f"--connections {most}: a process may have {limit} files open here, and this takes {wanted}; "
            f"ask for fewer, or raise the hard limit: ulimit -Hn {wanted} (as root, or in limits.conf)"
        )


def open_files() -> tuple[int, int] | None:
    """How many files a process may have open: the soft limit and the hard one."""
    return None if resource is None else resource.getrlimit(resource.RLIMIT_NOFILE)


def ephemeral_ports() -> int:
    """From how many ports one address can connect to another."""
    try:
        first, last = map(int, PORT_RANGE.read_bytes().split())
    except (OSError, ValueError):
        return DEFAULT_PORTS
    return last - first + 1


def notes() -> list[str]:
    """What this system lacks that makes figures steadier."""
    if not hasattr(os, "sched_setaffinity"):
        return ["this system cannot bind a process to a core, so server and load move about; take more rounds (--time)"]
    if cores() == (None, None):
        return ["there are no two cores here (two hardware threads of one are not two), so server and load share one"]
    return []


def cores() -> tuple[frozenset[int] | None, frozenset[int] | None]:
    """The core of the server and that of the load: two that this process may use, and not two threads of one; None for
    both where there are no two, or where the system cannot pin."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    found: list[int] = []
    # From the last: the system's own work, interrupts first of all, tends to the first.
    for core in sorted(os.sched_getaffinity(0), reverse=True):
        if not any(core in siblings(other) for other in found):
            found.append(core)
    if len(found) < 2:
        return None, None
    return frozenset(found[1:2]), frozenset(found[:1])


def siblings(core: int) -> set[int]:
    """The hardware threads that share a core with this one: they share what it can do, too."""
    try:
        text = Path(SIBLINGS.format(core)).read_text("ascii").strip()
    except OSError:
        return {core}
    ranges = (part.partition("-") for part in text.split(","))
    return {number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)}
