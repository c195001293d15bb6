"""Endpoints as a user runs them: programs, started with a command line, read by their log lines, ended by signals.

Nothing here waits for a time: every wait is for an event, with a generous deadline that only a defect reaches.
"""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent
DEADLINE_S = 60.0
TUTORIAL = b"This is the message. It will be sent in parts."


class Endpoint:
    """One running endpoint; its log grows in `lines` as it comes. Leaving the `with` block kills what still runs."""

    def __init__(self, api: str, role: str, *options: str, loop: str = "asyncio", **popen: object) -> None:
        command = [sys.executable, "-m", f"{api}_impl.{role}", "--loop", loop, *options]
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("env", env)
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, **popen)
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

    def wait_for(self, pattern: str, *, count: int = 1) -> re.Match[str]:
        """Wait until `count` lines match; return the last match. Fails when the endpoint ends without."""
        found: list[re.Match[str]] = []
        with self._grown:
            self._grown.wait_for(lambda: len(found := self._matches(pattern)) >= count or self._ended, DEADLINE_S)
            found = self._matches(pattern)
        assert len(found) >= count, f"no line like {pattern!r} ({len(found)} of {count}) in:\n{self.log}"
        return found[count - 1]

    def _matches(self, pattern: str) -> list[re.Match[str]]:
        return [match for line in self.lines if (match := re.search(pattern, line))]

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
    """A raw TCP server of one connection: `script(sock)` runs in a thread; yields the port. An error in it fails the test."""
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
