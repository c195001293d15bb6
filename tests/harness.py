"""Endpoints as a user runs them: programs, started with a command line, read by their log lines, ended by signals.

Nothing here waits for a time: every wait is for an event, with a generous deadline that only a defect reaches.
"""

import contextlib
import itertools
import json
import os
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import warm
from hypothesis import settings

ROOT = Path(__file__).parent.parent
DEADLINE_S = 60.0
HOST = "127.0.0.1"
TUTORIAL = b"This is the message. It will be sent in parts."

EVERYTHING = "EVERYTHING" in os.environ
"""All that there is to try, in an hour."""

EXPLORE = int(os.environ.get("EXPLORE", "0"))
"""`EXPLORE=1000 pytest tests/endpoints/test_properties_server.py` tries so many examples that nobody has seen."""


def examples(number: int) -> settings:
    """The same examples every time: so many where everything is tried, else a quarter; or those that `EXPLORE` asks
    for. None is late: the machine may be busy."""
    few = number if EVERYTHING else max(5, number // 4)
    return settings(deadline=None, max_examples=EXPLORE or few, derandomize=not EXPLORE)


def in_turns(ones: Iterable[object], others: Iterable[object]) -> list[tuple[object, object]]:
    """Each of the ones with one of the others, where the two have nothing to do with each other; with each of them
    where everything is tried."""
    return list(itertools.product(ones, others) if EVERYTHING else zip(ones, itertools.cycle(others), strict=False))


class Endpoint:
    """One running endpoint; its log grows in `lines` as it comes. Leaving the `with` block kills what still runs."""

    def __init__(
        self, api: str, role: str, *options: str, loop: str = "asyncio", before: str = "", **popen: object
    ) -> None:
        """`before` is Python that runs in the new process first: it plants a defect, or sets a limit."""
        module = f"{api}_impl.{role}"
        start = f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        program = ["-c", f"{before}\n{start}"] if before else ["-m", module]
        command = [sys.executable, *program, "--loop", loop, *options]
        options = {"stdin": subprocess.DEVNULL, "env": warm.plain(), **popen}
        self.process = warm.popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.lines: list[str] = []
        self.stdout = b""
        self._grown = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._grown:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._grown.notify_all()
        self.stdout = self.process.stdout.read()
        with self._grown:
            self._ended = True
            self._grown.notify_all()

    def __enter__(self) -> "Endpoint":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE_S)
        self.process.stderr.close()
        self.process.stdout.close()

    @property
    def log(self) -> str:
        """Everything logged so far."""
        return "\n".join(self.lines)

    @property
    def records(self) -> list[dict]:
        """The log of an endpoint that was started with --log-format json."""
        return [json.loads(line) for line in self.lines]

    def wait_for(self, pattern: str, *, count: int = 1, since: int = 0) -> re.Match[str]:
        """Wait until `count` lines match, of those after the first `since`; return the last match. Fails when the
        endpoint ends without."""
        found: list[re.Match[str]] = []
        with self._grown:
            self._grown.wait_for(
                lambda: len(found := self._matches(pattern, since)) >= count or self._ended, DEADLINE_S
            )
            found = self._matches(pattern, since)
        assert len(found) >= count, f"no line like {pattern!r} ({len(found)} of {count}) in:\n{self.log}"
        return found[count - 1]

    def _matches(self, pattern: str, since: int) -> list[re.Match[str]]:
        return [match for line in self.lines[since:] if (match := re.search(pattern, line))]

    def port(self) -> int:
        """Wait until a server is ready; the port it listens on."""
        return int(self.wait_for(r"starting up on .* port (\d+)")[1])

    def end(self) -> int:
        """Wait until it ends; its exit code."""
        code = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.end()

    def rss_bytes(self) -> int:
        """Resident memory now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def peak_rss_bytes(self) -> int:
        """The most resident memory so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


def assert_quiet(endpoint: Endpoint) -> None:
    """No traceback, no warning, nothing from asyncio but its selector: what a peer does must not look like a defect."""
    bad = [
        line
        for line in endpoint.lines
        if "Traceback" in line or "Warning" in line or (line.startswith("asyncio: ") and "Using selector" not in line)
    ]
    assert bad == [], endpoint.log


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A raw TCP peer with a deadline."""
    return socket.create_connection((host, port), DEADLINE_S)


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_to_end(sock: socket.socket) -> bytes:
    """Everything up to the peer's EOF."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def echo_once(port: int, payload: bytes = b"ping") -> bytes:
    """What comes back for `payload`, sent with a half-close: proof that a server still serves."""
    with connect(port) as peer:
        peer.sendall(payload)
        peer.shutdown(socket.SHUT_WR)
        return read_to_end(peer)


@contextlib.contextmanager
def one_shot_server(script: Callable[[socket.socket], object]) -> Iterator[int]:
    """A raw TCP server of one connection: `script(sock)` runs in a thread; yields the port. Its error fails a test."""
    errors: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)

        def serve() -> None:
            try:
                sock, _ = listener.accept()
                with sock:
                    sock.settimeout(DEADLINE_S)
                    script(sock)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(DEADLINE_S)
    if errors:
        raise errors[0]


PENDING_BYTES = 65536
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def send_until_stuck(peer: socket.socket, payload: bytes, bystander: socket.socket) -> int:
    """Send all that the server takes, and read nothing. Returns how many bytes of `payload` went; `peer` is left
    non-blocking.

    The server is stuck when a dozen rounds with a bystander, each a turn of its loop, made no room.
    """
    peer.setblocking(False)
    sent = rounds = 0
    while rounds < 12:
        assert sent < len(payload), "the server took everything: nothing makes its peer wait"
        try:
            sent += peer.send(payload[sent : sent + PENDING_BYTES])
            rounds = 0
        except _WOULD_BLOCK:
            assert round_trip(bystander)
            rounds += 1
    return sent


def read_all_back(peer: socket.socket, payload: bytes, sent: int) -> tuple[bytes, bytes]:
    """After `send_until_stuck`: what comes back, and what was sent: one chunk more, which over TLS was pending."""
    echo, end = bytearray(), sent + PENDING_BYTES
    while len(echo) < end:
        with contextlib.suppress(*_WOULD_BLOCK):
            while sent < end:
                sent += peer.send(payload[sent:end])
        try:
            data = peer.recv(1 << 16)
        except _WOULD_BLOCK:
            select.select([peer], [peer] if sent < end else [], [], DEADLINE_S)
        else:
            echo += data
            if not data:
                break
    peer.settimeout(DEADLINE_S)
    return bytes(echo), payload[:end]


def round_trip(peer: socket.socket, payload: bytes = b"?") -> bool:
    """Whether `payload` comes back on a connection that stays open: at least one turn of the server's loop."""
    peer.sendall(payload)
    echo = b""
    while len(echo) < len(payload) and (data := peer.recv(1 << 16)):
        echo += data
    return echo == payload


def is_cut(peer: socket.socket) -> bool:
    """Wait until the server ends the connection, be it with EOF or a reset; False where bytes come instead."""
    try:
        return peer.recv(1 << 16) == b""
    except (ConnectionError, ssl.SSLError):
        return True


ENDING = r"^(echo_\S+): (closing|connection lost: \w+|connection refused: .*|nothing moved .*|still open .*)$"


def endings(server: Endpoint) -> list[str]:
    """How each connection ended, in the words of the server's log, which has one line for each."""
    found = re.findall(ENDING, server.log, re.MULTILINE)
    assert len(found) == len({name for name, _ in found}), f"a connection ended twice in:\n{server.log}"
    return [text for _, text in found]


def client_of(api: str, loop: str, port: int, *options: str, **endpoint: object) -> Endpoint:
    """A client of whoever listens on `port` of this machine."""
    return Endpoint(api, "client", "--host", HOST, "--port", str(port), *options, loop=loop, **endpoint)


def complaints(client: Endpoint) -> list[str]:
    """The lines in which something is wrong."""
    return [line for line in client.lines if "ERROR" in line]


def assert_fails(client: Endpoint, reason: str, came_back: str, address: str) -> None:
    """It exits with 1 after exactly one line: why, how much came back, from where. Then it ends tidily."""
    assert client.end() == 1, client.log
    assert complaints(client) == [f"echo_client: ERROR {reason}: {came_back} bytes came back from {address}"]
    assert client.lines[-1] == "main: closing event loop"
    assert_quiet(client)


def assert_interrupted(client: Endpoint) -> None:
    """Ctrl-C ends it with 130; nothing went wrong, so nothing is complained of."""
    assert client.stop(signal.SIGINT) == 130, client.log
    assert complaints(client) == []
    assert client.lines[-1] == "main: closing event loop"
    assert_quiet(client)


def receive(sock: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or fewer where the peer's EOF comes first."""
    data = b""
    while len(data) < size and (chunk := sock.recv(size - len(data))):
        data += chunk
    return data


@contextlib.contextmanager
def silent_input() -> Iterator[int]:
    """The reading end of a pipe into which nobody writes; the other end stays open."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def stand_still(server: Endpoint) -> None:
    """Stop the process as Ctrl-Z does; meanwhile the kernel alone receives its clients."""
    server.process.send_signal(signal.SIGSTOP)
    while Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(") ")[2][0] != "T":
        os.sched_yield()  # the kernel tells of it only the parent
