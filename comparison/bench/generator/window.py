"""The window of time in which is counted: what both sides used in it, and the verdict on who was the limit."""

import time
from collections import Counter
from collections.abc import Iterable

from comparison.bench import histogram
from comparison.bench.generator.spec import Load, Outcome
from comparison.bench.resources import CPUTime, Watched


class Window:
    """Opens after the warm-up and closes after the sample; `latencies_ns` is what was completed meanwhile."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._server = Watched(load.server_pid)
        self._opened: tuple[int, float, CPUTime] | None = None
        self._closed: tuple[int, float, CPUTime] | None = None
        self.latencies_ns: list[int] = []
        self._errors: Counter[str] = Counter()
        self.next_ns = time.perf_counter_ns() + round(load.warm_up_s * 1e9)
        """When `turn` is due."""

    def turn(self) -> bool:
        """Open the window where it is closed, else close it. False once it is over. Raises Gone without the server."""
        reading = (time.perf_counter_ns(), time.process_time(), self._server.cpu())
        if self._opened is None:
            self._opened = reading
            self.latencies_ns.clear()
            self.next_ns = reading[0] + round(self._load.sample_s * 1e9)
            return True
        self._closed = reading
        return False

    def failed(self, reason: str, connections: int = 1) -> None:
        """Note what became of connections."""
        self._errors[reason] += connections

    @property
    def errors(self) -> tuple[str, ...]:
        """A sentence for each way in which connections failed."""
        return sentences(self._errors.items())

    def outcome(self) -> Outcome:
        """What was measured. Without a server, or without one message, the errors are all there is."""
        if self._opened is None or self._closed is None or not self.latencies_ns:
            nothing = () if self._errors else (f"nothing came back in {self._load.sample_s:g} s",)
            return Outcome({}, {}, (*self.errors, *nothing))
        elapsed_s = (self._closed[0] - self._opened[0]) / 1e9
        own_s = self._closed[1] - self._opened[1]
        server = self._closed[2].since(self._opened[2])
        count = len(self.latencies_ns)
        system_us = server.total_s * server.system_share / count * 1e6
        values = {
            "per_s": count / elapsed_s,
            "server_cpu_us": server.total_s / count * 1e6,
            "server_user_us": server.total_s / count * 1e6 - system_us,
            "server_system_us": system_us,
            "server_busy": server.total_s / elapsed_s,
            "generator_cpu_us": own_s / count * 1e6,
            "generator_busy": own_s / elapsed_s,
        }
        return Outcome(values, histogram.collect(self.latencies_ns), self.errors)


def sentences(errors: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """What happened to how many connections."""
    return tuple(f"{count} connection{'s' * (count != 1)}: {reason}" for reason, count in errors)
