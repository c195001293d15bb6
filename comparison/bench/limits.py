"""What the machine allows: open files and cores. Checked before anything is started."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.bench.plan import Cell
from comparison.model import CannotCompare
from comparison.play.machine import SPARE_FILES, allow_files

SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


@dataclass(frozen=True)
class Cores:
    """What the processes of a sample are pinned to; None where they are not."""

    server: Collection[int] | None = None
    load: Collection[int] | None = None


def check_connections(cells: Sequence[Cell]) -> None:
    """Raises CannotCompare, with the remedy, where a process cannot hold so many connections at once. Lifts the soft
    limit of open files, which the processes that we start inherit."""
    most = max(cell.connections for cell in cells)
    wanted = most + SPARE_FILES
    if (limit := allow_files(wanted)) is not None:
        raise CannotCompare(
            f"--connections {most}: a process may have {limit} files open here, and this takes {wanted}; "
            f"ask for fewer, or raise the hard limit: ulimit -Hn {wanted} (as root, or in limits.conf)"
        )


def notes() -> list[str]:
    """What this system lacks that makes figures steadier."""
    if not hasattr(os, "sched_setaffinity"):
        return ["this system cannot bind a process to a core, so server and load move about; take more --rounds"]
    if cores() == Cores():
        return ["there are no two cores here (two hardware threads of one are not two), so server and load share one"]
    return []


def cores() -> Cores:
    """A core for the server and one for the load: two that this process may use, and not two threads of one; none where
    there are no two, or where the system cannot pin."""
    found: list[int] = []
    # From the last: the system's own work, interrupts first of all, tends to the first.
    for core in sorted(os.sched_getaffinity(0), reverse=True) if hasattr(os, "sched_getaffinity") else ():
        if not any(core in _siblings(other) for other in found):
            found.append(core)
    return Cores({found[1]}, {found[0]}) if len(found) > 1 else Cores()


def _siblings(core: int) -> set[int]:
    """The hardware threads that share a core with this one: they share what it can do, too."""
    try:
        text = Path(SIBLINGS.format(core)).read_text("ascii").strip()
    except OSError:
        return {core}
    ranges = (part.partition("-") for part in text.split(","))
    return {number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)}
