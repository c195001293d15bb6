"""The machine and the programs that the figures are measured on, and what the machine allows."""

import os
import platform
import re
import sysconfig
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison.bench import resources
from comparison.endpoints import environment as versions_of
from comparison.model import Interpreter

SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
UNKNOWN = "unknown"
OF_MEMORY = ("MALLOC_", "LD_PRELOAD", "GLIBC_TUNABLES", "PYTHONMALLOC")  # how it is had can be most of a message's cost
OF_THE_BUILD = ("--enable-optimizations", "--with-lto", "--disable-gil", "--with-pydebug")

Cores = tuple[Collection[int] | None, Collection[int] | None]  # for the server and the load; None where they may be any


def collect(pythons: Sequence[Interpreter], cores: Cores) -> dict[str, Any]:
    """Everything by name; what the system does not tell is `unknown`, or None for the number of cores."""
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    model = re.search(r"^(?:model name|Model|cpu model)\s*:(.*)", _read("/proc/cpuinfo"), re.MULTILINE)
    server, load = ("any" if one is None else ", ".join(map(str, sorted(one))) for one in cores)
    return {
        **versions_of(pythons),
        "python build": " ".join([platform.python_compiler(), *(sign for sign in OF_THE_BUILD if sign in configured)]),
        "CPU": model[1].strip() if model else platform.processor() or platform.machine() or UNKNOWN,
        "cores": os.cpu_count(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "cores busy before": resources.busy_cores(),  # a load average would still count the run before
        "server on cores": server,
        "load on cores": load,
        **{name: value for name, value in os.environ.items() if name.startswith(OF_MEMORY)},
    }


def summary(environment: Mapping[str, Any]) -> str:
    """The environment in one line, for the head of a report."""
    return ", ".join(f"{name} {value}" for name, value in environment.items() if value not in (UNKNOWN, None, ""))


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "backslashreplace").strip()
    except OSError:
        return UNKNOWN


# --- What the machine allows ---
def cores() -> Cores:
    """A core for the server and one for the load: two that this process may use, and not two hardware threads of one,
    which share what it can do; none where there are no two, or where the system cannot pin."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    found: dict[str | int, int] = {}
    # From the last: the system's own work, interrupts first of all, tends to the first.
    for core in sorted(usable, reverse=True):
        threads = _read(SIBLINGS.format(core))
        found.setdefault(core if threads == UNKNOWN else threads, core)
    load, server, *_ = (*found.values(), None, None)
    return (None, None) if load is None or server is None else ({server}, {load})
