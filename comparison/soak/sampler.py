"""Start the servers, let the peers at them, and look at all of them again and again."""

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Sequence

from comparison.bench import arms
from comparison.bench.resources import Gone, Watched
from comparison.model import Endpoint
from comparison.play.processes import Launcher
from comparison.play.serving import NotReady, start
from comparison.soak.growth import Course
from comparison.soak.mix import IDLE_S, Mix

LOOKS = 150
SHORTEST_S, LONGEST_S = 0.1, 2.0
"""How many looks a soak takes, and how far they may lie apart."""

OPTIONS = ("--host", "{host}", "--port", "0", "--log-level", "info", "--idle-timeout", f"{IDLE_S:g}")


def looks(minutes: float) -> int:
    """How many there will be."""
    return max(1, int(minutes * 60 / _every_s(minutes)))


def _every_s(minutes: float) -> float:
    return min(LONGEST_S, max(SHORTEST_S, minutes * 60 / LOOKS))


class Served:
    """A server with its peers and its course."""

    def __init__(self, launcher: Launcher, endpoint: Endpoint, stopping: threading.Event, course: Course) -> None:
        """Start it. Raises NotReady."""
        says, address = endpoint.takes_options, endpoint.server_address
        host, _ = address or (arms.HOST, 0)
        command = (*endpoint.server_command, *(OPTIONS if says else ()))
        self.process, port, _ = start(
            launcher, lambda port: arms.filled(command, host=host, port=port), host, says=says, address=address
        )
        self.process.drop_output()
        self.course = course
        self.mix = Mix((host, port), stopping, course.troubles)

    def look(self, at_s: float) -> None:
        """Write down how it is."""
        with contextlib.suppress(Gone):  # its end tells of it
            watched = Watched(self.process.pid)
            figures = {
                "at_s": at_s,
                "connections": self.mix.connections,
                "memory_kib": watched.resident_bytes() / 1024,
                "files": watched.open_files(),
                "threads": watched.threads(),
            }
            if latencies_us := self.mix.take_latencies_us():
                figures["latency_us"] = statistics.median(latencies_us)
            self.course.looks.append(figures)

    def end(self) -> None:
        """The peers have left: it must end in good order."""
        self.mix.join()
        log = self.process.stop()
        if log.trouble is not None or log.exit_code != 0:
            self.course.troubles.append(f"the server {log.trouble or f'ended with exit code {log.exit_code}'}")


def soak(
    launcher: Launcher, endpoints: Sequence[Endpoint], minutes: float, tick: Callable[[], None]
) -> tuple[list[Course], bool]:
    """The course of every server, and whether Ctrl-C came before the end."""
    stopping = threading.Event()
    served: list[Served] = []
    courses: list[Course] = []
    interrupted = False
    try:
        for endpoint in endpoints:
            courses.append(Course(endpoint.label))
            try:
                served.append(Served(launcher, endpoint, stopping, courses[-1]))
            except NotReady as error:
                courses[-1].troubles.append(f"the server {error}")
        for one in served:
            one.mix.start()
        start_s = time.monotonic()
        while (passed_s := time.monotonic() - start_s) < minutes * 60 and any(not s.process.has_ended for s in served):
            for one in served:
                one.look(passed_s)
            tick()
            time.sleep(_every_s(minutes))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        stopping.set()
    for one in served:
        one.end()
    return courses, interrupted
