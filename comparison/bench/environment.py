"""The machine and the programs that the figures were measured on: what one must know to compare them with others."""

import os
import platform
import re
import sysconfig
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison.bench import limits
from comparison.endpoints import environment as versions_of
from comparison.model import Interpreter

CPU_INFO = Path("/proc/cpuinfo")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
UNKNOWN = "unknown"
OF_MEMORY = ("MALLOC_", "LD_PRELOAD", "GLIBC_TUNABLES", "PYTHONMALLOC")
"""Variables that change how memory is had, which can be most of the cost of a message."""


def collect(
    pythons: Sequence[Interpreter], server_cores: Collection[int] | None, load_cores: Collection[int] | None
) -> dict[str, Any]:
    """Everything by name; what the system does not tell is `unknown`, or None where it is a number."""
    return {
        **versions_of(pythons),
        "python build": build(),
        "kernel": platform.release(),
        "CPU": cpu_model(),
        "cores": os.cpu_count(),
        "governor": _read(GOVERNOR),
        "load": load_average(),
        "open files": UNKNOWN if (found := limits.open_files()) is None else "{} (hard {})".format(*found),
        "ephemeral ports": limits.ephemeral_ports(),
        "somaxconn": _read(SOMAXCONN),
        "server on cores": _cores(server_cores),
        "load on cores": _cores(load_cores),
        **{name: value for name, value in os.environ.items() if name.startswith(OF_MEMORY)},
    }


def summary(environment: Mapping[str, Any]) -> str:
    """The environment in one line, for the head of a report."""
    return ", ".join(f"{name} {value}" for name, value in environment.items() if value not in (UNKNOWN, None, ""))


def build() -> str:
    """How the running interpreter was made: compiler, and whether it was optimised."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    signs = ("--enable-optimizations", "--with-lto", "--disable-gil", "--with-pydebug")
    return " ".join([platform.python_compiler(), *(sign for sign in signs if sign in options)])


def cpu_model() -> str:
    """The processor as the system names it."""
    found = re.search(r"^(?:model name|Model|cpu model)\s*:(.*)", _read(CPU_INFO), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine() or UNKNOWN


def load_average() -> float | None:
    """How many processes wanted a core in the last minute, on average."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "backslashreplace").strip()
    except OSError:
        return UNKNOWN


def _cores(cores: Collection[int] | None) -> str:
    return "any" if cores is None else ", ".join(map(str, sorted(cores)))
