"""The window of time in which is counted: what both sides used in it."""

import time
from typing import NamedTuple

from comparison.bench.resources import Used, Watched


class Reading(NamedTuple):
    """Both sides at one moment."""

    at_s: float
    own_s: float
    server: Used


class Window:
    """Opens and closes with a `with` block; raises Gone where the server has ended. Whatever is begun in it is also
    completed in it, so that no message is paid for outside."""

    def __init__(self, server_pid: int) -> None:
        self._server = Watched(server_pid)

    def __enter__(self) -> "Window":
        self._opened = self._read()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._closed = self._read()

    def _read(self) -> Reading:
        return Reading(time.perf_counter(), time.process_time(), self._server.used())

    def values(self, count: int) -> dict[str, float]:
        """The figures of `count` messages or connections; empty without any."""
        if not count:
            return {}
        (began_s, own_s, before), (ended_s, own_end_s, after) = self._opened, self._closed
        elapsed_s = ended_s - began_s
        total_s = after.total_s - before.total_s
        user_s, system_s = after.user_s - before.user_s, after.system_s - before.system_s
        each_us = total_s / count * 1e6
        system_us = each_us * system_s / (user_s + system_s) if user_s + system_s else 0.0
        values = {
            "per_s": count / elapsed_s,
            "server_cpu_us": each_us,
            "server_user_us": each_us - system_us,
            "server_system_us": system_us,
            "server_busy": total_s / elapsed_s,
            "generator_busy": (own_end_s - own_s) / elapsed_s,
        }
        if before.page_faults is not None and after.page_faults is not None:
            values["faults"] = (after.page_faults - before.page_faults) / count
        return values
