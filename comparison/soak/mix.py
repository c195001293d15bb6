"""The peers: good ones and bad ones, each a thread with a raw socket that does the same over and over.

A peer that is bad on purpose expects nothing. A good one that does not get its echo is a trouble of the server.
"""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait

from comparison.play.peers import reset_at_close
from comparison.play.workers import in_a_thread

IDLE_S = 1.0
"""The idle limit that servers are started with."""

PATIENCE_S = 30.0
"""What a good peer waits for its echo: the machine is busy on purpose."""

PAUSE_S = 0.02
BEAT_S = 0.05
"""Between two connections of a peer; between two messages of the good one whose latency is measured."""

MESSAGE = bytes(range(256)) * 16
MUCH = MESSAGE * 64
MOST_TROUBLES = 5


class Mix:
    """The peers of one server. `stopping` ends them all; a trouble is a sentence."""

    def __init__(self, address: tuple[str, int], stopping: threading.Event, troubles: list[str]) -> None:
        self._address, self._stopping, self._troubles = address, stopping, troubles
        self._lock = threading.Lock()
        self._latencies_us = deque[float]()
        self._peers: list[Future[None]] = []
        self.connections = 0
        self._good = (self.beat, self.echo, self.half_close, self.read_slowly)
        self._bad = (self.send_and_reset, self.connect_and_leave, self.say_nothing, self.never_read)

    def start(self) -> None:
        self._peers = [in_a_thread(self._over_and_over, play) for play in (*self._good, *self._bad)]

    def join(self) -> None:
        """Wait until all have left; `stopping` must be set."""
        wait(self._peers, 2 * PATIENCE_S)

    def take_latencies_us(self) -> list[float]:
        """Those since the last time."""
        return [self._latencies_us.popleft() for _ in range(len(self._latencies_us))]

    # --- Good peers ---
    def beat(self, sock: socket.socket) -> None:
        """One message after another on one connection: the peer whose latency is measured."""
        while not self._stopping.wait(BEAT_S):
            start_ns = time.perf_counter_ns()
            _round_trip(sock)
            self._latencies_us.append((time.perf_counter_ns() - start_ns) / 1000)

    def echo(self, sock: socket.socket) -> None:
        """A few messages, each back before the next."""
        for _ in range(5):
            _round_trip(sock)

    def half_close(self, sock: socket.socket) -> None:
        """A message, EOF, and read to the end."""
        sock.sendall(MESSAGE)
        sock.shutdown(socket.SHUT_WR)
        _expect(sock, MESSAGE)
        if sock.recv(1):
            raise OSError("more came back than was sent")

    def read_slowly(self, sock: socket.socket) -> None:
        """Send much, and read it in small pieces."""
        sent = in_a_thread(sock.sendall, MUCH)
        for start in range(0, len(MUCH), len(MESSAGE)):
            _expect(sock, MUCH[start : start + len(MESSAGE)])
            self._stopping.wait(PAUSE_S / 10)
        sent.result(PATIENCE_S)

    # --- Bad peers ---
    def send_and_reset(self, sock: socket.socket) -> None:
        sock.sendall(MESSAGE)
        reset_at_close(sock)

    def connect_and_leave(self, sock: socket.socket) -> None:
        """Nothing: the connection is closed when this returns."""

    def say_nothing(self, sock: socket.socket) -> None:
        """Until the server has had enough."""
        sock.settimeout(IDLE_S / 4)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not sock.recv(1):
                    return

    def never_read(self, sock: socket.socket) -> None:
        """Send all that the server takes, and wait until it has had enough."""
        sock.settimeout(IDLE_S / 10)
        while not self._stopping.wait(PAUSE_S):
            # An error that waits is told by a send, and nothing is read.
            with contextlib.suppress(TimeoutError):
                sock.sendall(MUCH)

    # --- Parts ---
    def _over_and_over(self, play: Callable[[socket.socket], None]) -> None:
        while not self._stopping.is_set():
            try:
                with socket.create_connection(self._address, PATIENCE_S) as sock:
                    with self._lock:
                        self.connections += 1
                    play(sock)
            except OSError as error:
                if play in self._good and not self._stopping.is_set() and len(self._troubles) < MOST_TROUBLES:
                    self._troubles.append(f"a good peer ({play.__name__}) got no echo: {error}")
            self._stopping.wait(PAUSE_S)


def _round_trip(sock: socket.socket) -> None:
    sock.sendall(MESSAGE)
    _expect(sock, MESSAGE)


def _expect(sock: socket.socket, data: bytes) -> None:
    got = b""
    while len(got) < len(data):
        piece = sock.recv(len(data) - len(got))
        if not piece:
            raise OSError("the server closed")
        got += piece
    if got != data:
        raise OSError("other bytes came back than were sent")
