"""The engine's own peers: plain blocking sockets, which use neither of the two APIs and no event loop. A peer does what
a script tells it, and writes down what it did and saw as an endpoint does. Every wait ends at a deadline."""

import contextlib
import dataclasses
import hashlib
import json
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

from common.logs import show
from comparison.model import Log, stretch
from comparison.play.machine import Skip
from comparison.transcript import parse
from comparison.vocabulary import KINDS

CHUNK_BYTES = 65536
STUCK_ROUNDS = 12
PROBED_S = 0.4  # who hears of no room that a receiver makes asks for it, after 0.2 s


def reset_at_close(sock: socket.socket) -> None:
    """Have a socket close with RST instead of FIN (SO_LINGER with 0 seconds)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Late(Exception):
    """Something that must happen had not happened at the deadline."""


class Deadline:
    """The point in time at which a scenario is given up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end_s = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, never less than a hundredth, so that a socket still waits and says so."""
        return max(0.01, self._end_s - time.monotonic())


class Notebook:
    """What all peers of one run wrote, in order; the lines are JSON, as those of the endpoints."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, speaker: str, event: str, message: str, **fields: object) -> None:
        level = "error" if message.startswith("ERROR") else "info"
        record = {"t_ns": time.monotonic_ns(), "logger": speaker, "level": level, "event": event, "message": message}
        self.lines.append(json.dumps(record | fields))

    def log(self, trouble: str | None = None) -> Log:
        """All of it, as the log of a process that ended well unless there was trouble."""
        lines = tuple(self.lines)
        return Log((), lines, 0 if trouble is None else None, trouble, events=parse(lines))


@dataclasses.dataclass(eq=False)
class Peer:
    """One connection of the engine's own. What it sends is a pattern, so that it knows what must come back."""

    sock: socket.socket
    name: str
    notebook: Notebook
    deadline: Deadline
    pattern: bytes
    echoed: bool  # everything that it receives must be what it has sent

    def __post_init__(self) -> None:
        self.sent_bytes = self.received_bytes = 0
        self._digests = {direction: hashlib.blake2b(digest_size=16) for direction in ("sent", "received")}
        self._ended = False
        self.tell("began", local=_address(self.sock.getsockname), peer=_address(self.sock.getpeername))

    def tell(self, event: str, **fields: object) -> None:
        """Write down what the vocabulary has a text for."""
        self.notebook.tell(self.name, event, KINDS[event].text, **fields)

    # --- Send ---
    def send(self, length: int) -> bool:
        """Send the next `length` bytes of the pattern. False where the connection was reset meanwhile."""
        end = self.sent_bytes + length
        while left := end - self.sent_bytes:
            if not self.send_bytes(stretch(self.pattern, self.sent_bytes, min(CHUNK_BYTES, left))):
                return False
        return True

    def send_bytes(self, data: bytes) -> bool:
        """Send these bytes. False where the connection is over, or was reset meanwhile."""
        if self._ended:
            return False
        self._account("sent", data)  # before it can come back, where another thread reads
        try:
            with self._patience("the other side takes what is sent"):
                self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError):
            self.tell("broken")
            return False
        return True

    def send_with_goodbye(self, length: int) -> None:
        """Send the next bytes and the close_notify of TLS in one piece. Raises Skip where no system does that."""
        if not hasattr(socket, "TCP_CORK"):
            raise Skip("only Linux holds back the one until the other is there")
        assert isinstance(self.sock, ssl.SSLSocket)
        if self._ended:
            return
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        self.send(length)
        self.sock.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):  # it is sent, and what it waits for is the answer
            self.sock.unwrap()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def send_until_stuck(self, bystander: "Peer", most_bytes: int) -> None:
        """Send until the other side takes no more while it answers a bystander a dozen times, and a dozen times when
        this kernel has asked for room once more; or until `most_bytes` are sent: then nothing makes this peer wait."""
        rounds = 0
        while rounds < 2 * STUCK_ROUNDS and self.sent_bytes < most_bytes and not self._ended:
            piece = stretch(self.pattern, self.sent_bytes, CHUNK_BYTES)
            self.sock.settimeout(0)
            try:
                taken = self.sock.send(piece)
            except (BlockingIOError, ssl.SSLWantWriteError):
                bystander.round_trip()
                rounds += 1
                if rounds == STUCK_ROUNDS:
                    time.sleep(PROBED_S)
            except ConnectionError:
                self.tell("broken")
                return
            else:
                rounds = 0
                self._account("sent", piece[:taken])

    def round_trip(self) -> None:
        """One byte there and back: a turn of the other side's loop. Raises Late where the connection is over."""
        self.send(1)
        self.receive_all(self.sent_bytes - self.received_bytes)

    # --- Receive ---
    def receive(self, length: int) -> bytes:
        """The next `length` bytes, or fewer where the connection ends before."""
        data = b""
        while len(data) < length and (piece := self.receive_some(length - len(data))):
            data += piece
        return data

    def receive_all(self, length: int) -> None:
        """The next `length` bytes. Raises Late where the connection ends before."""
        if (came := len(self.receive(length))) < length:
            raise Late(f"{self.name} got {came} of {length} bytes: the other side has ended the connection")

    def receive_some(self, most: int = CHUNK_BYTES) -> bytes:
        """What one read hands out; empty at the end, which is written down."""
        if self._ended:
            return b""
        data, end = self._read("bytes or an end of the connection", most)
        if not data:
            self.cut(end)
            return b""
        offset = self.received_bytes
        if self.echoed and (data != stretch(self.pattern, offset, len(data)) or offset + len(data) > self.sent_bytes):
            self.echoed = False  # told once
            self.notebook.tell(self.name, "altered", KINDS["altered"].text.format(offset=offset))
        self._account("received", data)
        return data

    def receive_to_end(self) -> None:
        """Everything up to the end of the connection."""
        while self.receive_some():
            pass

    def read_once_cut(self) -> None:
        """Read only when the connection is no more: whoever is stuck hears of an abort all the same."""
        poll = select.poll()
        poll.register(self.sock, 0)  # what is always reported: an error, a hang-up
        if not poll.poll(self.deadline.left() * 1000):
            raise Late(f"{self.name} waited {self.deadline.seconds:g} s in vain: to be cut although it reads nothing")
        self.receive_to_end()

    def receive_nothing(self, seconds: float) -> None:
        """Give the other side a little time in which it must send nothing. Raises Late where it does."""
        readable, _, _ = select.select([self.sock], [], [], seconds)
        if readable and (more := self.sock.recv(CHUNK_BYTES, socket.MSG_PEEK)):
            raise Late(f"{len(more)} bytes came before their time, after the first {self.received_bytes}")

    def receive_eof(self) -> None:
        """Wait for EOF (over TLS for close_notify), and stay connected. Raises Late where something else comes."""
        data, end = self._read("EOF")
        if data or end != "saw_eof":
            came = f"{len(data)} bytes" if data else "the end of the connection"
            raise Late(f"{came} came instead of EOF" + " (close_notify)" * isinstance(self.sock, ssl.SSLSocket))

    def _read(self, what: str, most: int = CHUNK_BYTES) -> tuple[bytes, str]:
        """What one read hands out when it is waited for; without bytes the end that it means."""
        try:
            with self._patience(what):
                return self.sock.recv(most), "saw_eof"
        except ssl.SSLZeroReturnError:  # the close_notify of the other side, in answer to ours
            return b"", "saw_eof"
        except ssl.SSLEOFError:
            return b"", "saw_cut"
        except (ConnectionError, ssl.SSLError):
            return b"", "saw_reset"

    # --- End ---
    def half_close(self) -> None:
        """Send EOF and go on reading."""
        if self._ended:
            return
        self.tell("half_closed")
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.tell("broken")

    def close(self) -> None:
        """Close, over TLS with close_notify. The kernel makes a reset of it where something is unread."""
        if isinstance(self.sock, ssl.SSLSocket):
            with contextlib.suppress(OSError), self._patience("the answer to the close of TLS"):
                self.sock.unwrap()
        self.cut("did_close")

    def reset(self) -> None:
        """Close with RST instead of FIN (SO_LINGER with 0 seconds)."""
        if not self._ended:
            reset_at_close(self.sock)
        self.cut("did_reset")

    def cut(self, event: str = "did_close") -> None:
        """Close the connection without a word of TLS, and write down how it ends."""
        if not self._ended:
            self._ended = True
            digests = {f"{direction}_digest": digest.hexdigest() for direction, digest in self._digests.items()}
            self.tell(event, sent_bytes=self.sent_bytes, received_bytes=self.received_bytes, **digests)
        self.sock.close()

    def _account(self, direction: Literal["sent", "received"], data: bytes) -> None:
        event, offset = ("sending", self.sent_bytes) if direction == "sent" else ("received", self.received_bytes)
        self.notebook.tell(self.name, event, f"{event} {show(data)}", offset=offset, length=len(data))
        self._digests[direction].update(data)
        if direction == "sent":
            self.sent_bytes += len(data)
        else:
            self.received_bytes += len(data)

    @contextlib.contextmanager
    def _patience(self, what: str) -> Iterator[None]:
        """Let the socket wait until the deadline, and say what it waited for in vain."""
        self.sock.settimeout(self.deadline.left())
        try:
            yield
        except TimeoutError:
            raise Late(f"{self.name} waited {self.deadline.seconds:g} s in vain: {what}") from None


def _address(get: Callable[[], Any]) -> object:
    """As endpoints tell it: host and port, or the path of a Unix socket; None where there is none any more."""
    try:
        address = get()
    except OSError:
        return None
    return address[:2] if isinstance(address, tuple) else address
