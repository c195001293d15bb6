"""The window of time in which is counted: what both sides used in it."""

import time
from typing import NamedTuple

from comparison.bench.resources import CPUTime, Watched


class Reading(NamedTuple):
    """Both sides at one moment."""

    at_s: float
    own_s: float
    server: CPUTime
    faults: int | None


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
        return Reading(time.perf_counter(), time.process_time(), self._server.cpu(), self._server.page_faults())

    def values(self, count: int) -> dict[str, float]:
        """The figures of `count` messages or connections; empty without any."""
        if not count:
            return {}
        first, last = self._opened, self._closed
        elapsed_s = last.at_s - first.at_s
        server = last.server.since(first.server)
        each_us = server.total_s / count * 1e6
        values = {
            "per_s": count / elapsed_s,
            "server_cpu_us": each_us,
            "server_user_us": each_us * (1 - server.system_share),
            "server_system_us": each_us * server.system_share,
            "server_busy": server.total_s / elapsed_s,
            "generator_busy": (last.own_s - first.own_s) / elapsed_s,
        }
        if first.faults is not None and last.faults is not None:
            values["faults"] = (last.faults - first.faults) / count
        return values
