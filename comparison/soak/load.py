"""Start the servers, let good and bad peers at them, and look at all of them again and again.

A peer is a thread with a raw socket that does the same over and over. A bad one expects nothing; a good one that does
not get its echo is a trouble of the server.
"""

import contextlib
import socket
import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait

from comparison.bench.resources import Gone, Watched
from comparison.model import Endpoint
from comparison.play.peers import reset_at_close
from comparison.play.processes import Launcher
from comparison.play.serving import NotReady, start
from comparison.play.workers import in_a_thread
from comparison.progress import gathered
from comparison.soak.growth import Course

LOOKS = 150  # at each server in a soak, unless that puts them nearer together or farther apart than these
SHORTEST_S, LONGEST_S = 0.1, 2.0
IDLE_S = 1.0  # the idle limit that servers are started with
OPTIONS = ("--host", "{host}", "--port", "0", "--log-level", "info", "--idle-timeout", f"{IDLE_S:g}")
ENOUGH_S = 3 * IDLE_S  # by when a server has had enough of a bad peer; one without a limit is left then
PATIENCE_S = 30.0  # what a good peer waits for its echo: the machine is busy on purpose
PAUSE_S = 0.02  # between two connections of a peer
BEAT_S = 0.05  # between two messages of the good one whose latency is measured

HOST = "127.0.0.1"
MESSAGE = bytes(range(256)) * 16
MUCH = MESSAGE * 64
MOST_TROUBLES = 5


class Served:
    """A server with its peers, and the course of both. `stopping` ends the peers."""

    def __init__(self, launcher: Launcher, endpoint: Endpoint, stopping: threading.Event, course: Course) -> None:
        """Start it. Raises NotReady."""
        says, address = endpoint.takes_options, endpoint.server_address
        command = (*endpoint.server_command, *(OPTIONS if says else ()))
        self.process, self._address = start(launcher, command, HOST, says=says, address=address)
        self.process.keeps_lines = False
        self.course, self.stopping = course, stopping
        self._connections = Counter(dict.fromkeys((*GOOD, *BAD), 0))  # each thread counts its own
        self.latencies_us = deque[float]()
        self._peers = [in_a_thread(self._over_and_over, peer) for peer in (*GOOD, *BAD)]

    def _over_and_over(self, peer: "Peer") -> None:
        while not self.stopping.is_set():
            try:
                with socket.create_connection(self._address, PATIENCE_S) as sock:
                    self._connections[peer] += 1
                    peer(sock, self)
            except OSError as error:
                if peer in GOOD and not self.stopping.is_set() and len(self.course.troubles) < MOST_TROUBLES:
                    self.course.troubles.append(f"a good peer ({peer.__name__}) got no echo: {error}")
            self.stopping.wait(PAUSE_S)

    def look(self, at_s: float) -> None:
        """Write down how it is."""
        with contextlib.suppress(Gone):  # its end tells of it
            watched = Watched(self.process.pid)
            figures = {"at_s": at_s, "connections": self._connections.total()}
            figures["memory_kib"] = watched.resident_bytes() / 1024
            figures["files"] = watched.sum(lambda process: process.num_fds())
            figures["threads"] = watched.sum(lambda process: process.num_threads())
            if latencies_us := [self.latencies_us.popleft() for _ in range(len(self.latencies_us))]:
                figures["latency_us"] = statistics.median(latencies_us)
            self.course.looks.append(figures)

    def end(self) -> None:
        """When the peers have left, it must end in good order."""
        for peer in wait(self._peers, 2 * PATIENCE_S).done:
            peer.result()  # a defect of the peer itself is raised here
        log = self.process.stop()
        if log.trouble is not None or log.exit_code != 0:
            self.course.troubles.append(f"the server {log.trouble or f'ended with exit code {log.exit_code}'}")


def soak(endpoints: Sequence[Endpoint], minutes: float) -> tuple[list[Course], bool]:
    """The course of every server, and whether Ctrl-C came before the end. Raises KeyboardInterrupt where it came before
    all had started."""
    stopping, length_s = threading.Event(), minutes * 60
    served: list[Served] = []
    courses = [Course(endpoint.label) for endpoint in endpoints]
    every_s = min(LONGEST_S, max(SHORTEST_S, length_s / LOOKS))
    with Launcher() as launcher:
        for course, endpoint in zip(courses, endpoints, strict=True):
            try:
                served.append(Served(launcher, endpoint, stopping, course))
            except NotReady as error:
                course.troubles.append(f"the server {error}")
        _, interrupted = gathered(_looks(served, length_s, every_s), max(1, int(length_s / every_s)))
        stopping.set()
        for one in served:
            one.end()
    return courses, interrupted


def _looks(served: Sequence[Served], length_s: float, every_s: float) -> Iterator[None]:
    """Look at all of them, again and again, as long as one is there."""
    start_s = time.monotonic()
    while (passed_s := time.monotonic() - start_s) < length_s and any(not one.process.has_ended for one in served):
        for one in served:
            one.look(passed_s)
        yield
        time.sleep(every_s)


# --- Good peers ---
def beat(sock: socket.socket, served: Served) -> None:
    """One message after another on one connection: the peer whose latency is measured."""
    while not served.stopping.wait(BEAT_S):
        start_ns = time.perf_counter_ns()
        _round_trip(sock)
        served.latencies_us.append((time.perf_counter_ns() - start_ns) / 1000)


def echo(sock: socket.socket, served: Served) -> None:
    for _ in range(5):
        _round_trip(sock)


def half_close(sock: socket.socket, _: Served) -> None:
    sock.sendall(MESSAGE)
    sock.shutdown(socket.SHUT_WR)
    _expect(sock, MESSAGE)
    if sock.recv(1):
        raise OSError("more came back than was sent")


def read_slowly(sock: socket.socket, served: Served) -> None:
    sent = in_a_thread(sock.sendall, MUCH)
    for offset in range(0, len(MUCH), len(MESSAGE)):
        _expect(sock, MUCH[offset : offset + len(MESSAGE)])
        served.stopping.wait(PAUSE_S / 10)
    sent.result(PATIENCE_S)


def _round_trip(sock: socket.socket) -> None:
    sock.sendall(MESSAGE)
    _expect(sock, MESSAGE)


def _expect(sock: socket.socket, data: bytes) -> None:
    got = b""
    while len(got) < len(data) and (piece := sock.recv(len(data) - len(got))):
        got += piece
    if got != data:
        raise OSError("the server closed" if len(got) < len(data) else "other bytes came back than were sent")


# --- Bad peers ---
def send_and_reset(sock: socket.socket, _: Served) -> None:
    sock.sendall(MESSAGE)
    reset_at_close(sock)


def connect_and_leave(*_: object) -> None:
    """Nothing: the connection is closed when this returns."""


def say_nothing(sock: socket.socket, _: Served) -> None:
    """Until the server has had enough."""
    sock.settimeout(ENOUGH_S)
    sock.recv(1)


def never_read(sock: socket.socket, served: Served) -> None:
    """Send all that the server takes, until it has had enough."""
    sock.settimeout(ENOUGH_S)
    while not served.stopping.is_set():
        sock.sendall(MUCH)


Peer = Callable[[socket.socket, Served], None]
GOOD: tuple[Peer, ...] = (beat, echo, half_close, read_slowly)
BAD: tuple[Peer, ...] = (send_and_reset, connect_and_leave, say_nothing, never_read)
