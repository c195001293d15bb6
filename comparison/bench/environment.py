"""The machine and the programs that the figures were measured on: what one must know to compare them with others."""

import os
import platform
import re
import sysconfig
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison.bench.limits import Cores
from comparison.endpoints import environment as versions_of
from comparison.model import Interpreter

CPU_INFO = Path("/proc/cpuinfo")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
UNKNOWN = "unknown"
OF_MEMORY = ("MALLOC_", "LD_PRELOAD", "GLIBC_TUNABLES", "PYTHONMALLOC")
"""Variables that change how memory is had, which can be most of the cost of a message."""

OF_THE_BUILD = ("--enable-optimizations", "--with-lto", "--disable-gil", "--with-pydebug")


def collect(pythons: Sequence[Interpreter], cores: Cores) -> dict[str, Any]:
    """Everything by name; what the system does not tell is `unknown`, or None where it is a number."""
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    model = re.search(r"^(?:model name|Model|cpu model)\s*:(.*)", _read(CPU_INFO), re.MULTILINE)
    return {
        **versions_of(pythons),
        "python build": " ".join([platform.python_compiler(), *(sign for sign in OF_THE_BUILD if sign in configured)]),
        "CPU": model[1].strip() if model else platform.processor() or platform.machine() or UNKNOWN,
        "cores": os.cpu_count(),
        "governor": _read(GOVERNOR),
        "load": _load_average(),
        "server on cores": _named(cores.server),
        "load on cores": _named(cores.load),
        **{name: value for name, value in os.environ.items() if name.startswith(OF_MEMORY)},
    }


def summary(environment: Mapping[str, Any]) -> str:
    """The environment in one line, for the head of a report."""
    return ", ".join(f"{name} {value}" for name, value in environment.items() if value not in (UNKNOWN, None, ""))


def _load_average() -> float | None:
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


def _named(cores: Collection[int] | None) -> str:
    return "any" if cores is None else ", ".join(map(str, sorted(cores)))
