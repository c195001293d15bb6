"""Start the servers, let the peers at them, and look at all of them again and again."""

import statistics
import threading
import time
from collections.abc import Callable, Sequence

from comparison.bench import arms
from comparison.bench.resources import Gone, Watched
from comparison.model import Endpoint
from comparison.play.processes import Launcher
from comparison.play.serving import NotReady, start
from comparison.soak.mix import HOST, IDLE_S, Mix
from comparison.soak.plan import Course, Look

LOOKS = 150
SHORTEST_S = 0.1
LONGEST_S = 2.0
"""How many looks a soak takes, and how far they may lie apart."""

Tick = Callable[[], None]


def looks(minutes: float) -> int:
    """How many there will be."""
    return max(1, int(minutes * 60 / _every_s(minutes)))


def _every_s(minutes: float) -> float:
    return min(LONGEST_S, max(SHORTEST_S, minutes * 60 / LOOKS))


class Served:
    """A server with its peers and its course."""

    def __init__(self, launcher: Launcher, endpoint: Endpoint, stopping: threading.Event) -> None:
        """Start it. Raises NotReady."""
        host, _ = endpoint.server_address or (HOST, 0)
        options = ("--host", HOST, "--port", "0", "--log-level", "info", "--idle-timeout", f"{IDLE_S:g}")
        command = (*endpoint.server_command, *(options if endpoint.takes_options else ()))
        self.process, port, _ = start(
            launcher,
            lambda port: arms.filled(command, host=host, port=port),
            host,
            says=endpoint.takes_options,
            address=endpoint.server_address,
        )
        self.process.drop_output()
        self.course = Course(endpoint.label)
        self.mix = Mix(endpoint.server_address or (HOST, port), stopping)

    def look(self, at_s: float) -> None:
        """Write down how it is."""
        try:
            watched = Watched(self.process.pid)
            figures = {
                "memory_kib": watched.resident_bytes() / 1024,
                "files": float(watched.open_files()),
                "threads": float(watched.threads()),
            }
        except Gone:
            return  # its end tells of it
        if latencies_us := self.mix.take_latencies_us():
            figures["latency_us"] = statistics.median(latencies_us)
        self.course.looks.append(Look(at_s, self.mix.connections, figures))

    def end(self) -> None:
        """The peers have left: it must end in good order."""
        self.mix.join()
        self.course.troubles += self.mix.troubles
        log = self.process.stop()
        if log.trouble is not None:
            self.course.troubles.append(f"the server {log.trouble}")
        elif log.exit_code != 0:
            self.course.troubles.append(f"the server ended with exit code {log.exit_code}")


def soak(launcher: Launcher, endpoints: Sequence[Endpoint], minutes: float, tick: Tick) -> tuple[list[Course], bool]:
    """The course of every server, and whether Ctrl-C came before the end."""
    stopping = threading.Event()
    served: list[Served] = []
    courses: list[Course] = []
    interrupted = False
    try:
        try:
            for endpoint in endpoints:
                try:
                    served.append(Served(launcher, endpoint, stopping))
                    courses.append(served[-1].course)
                except NotReady as error:
                    courses.append(Course(endpoint.label, troubles=[f"the server {error}"]))
            for one in served:
                one.mix.start()
            _watch(served, minutes, tick)
        except KeyboardInterrupt:
            interrupted = True
    finally:
        stopping.set()
    for one in served:
        one.end()
    return courses, interrupted


def _watch(served: Sequence[Served], minutes: float, tick: Tick) -> None:
    """Look at every server until the time is over, or all are gone."""
    start_s = time.monotonic()
    while (passed_s := time.monotonic() - start_s) < minutes * 60 and not all(one.process.has_ended for one in served):
        for one in served:
            one.look(passed_s)
        tick()
        time.sleep(_every_s(minutes))
