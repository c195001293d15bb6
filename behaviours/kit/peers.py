"""Plain blocking sockets: the peer of what is on trial. They wait as long as the watchdog lets them.

Their kernel buffers are small, so that 32 MiB are more than fits anywhere between two programs.
"""

import contextlib
import select
import socket
import struct
from typing import Any

from behaviours.kit import waiting

HOST = "127.0.0.1"
BUFFER_BYTES = 32 * 1024
FILL_BYTES = 32 * 1024 * 1024
"""More than fits anywhere between two programs."""


def listener(host: str = HOST) -> socket.socket:
    """A socket that listens on a free port. What it accepts has its small buffers."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # without, asyncio leaves Nagle's delay on
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _limit(sock)
    sock.bind((host, 0))
    sock.listen()
    return sock


def connect(address: Any) -> socket.socket:
    """A client that is connected."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    _limit(sock)
    sock.connect(address)
    return sock


def accepted(sock: socket.socket) -> socket.socket | None:
    """Who has connected, or does within the patience."""
    return sock.accept()[0] if waiting.is_readable(sock) else None


def answer(sock: socket.socket) -> bytes:
    """What comes next; empty at the end of file."""
    return sock.recv(65536)


def all_of(sock: socket.socket) -> bytes:
    """All until the end of file."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def ending(sock: socket.socket) -> str:
    """How the connection ends, after whatever else comes: "EOF" or "reset"."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        return "reset"
    return "EOF"


def hears(sock: socket.socket) -> bytes | None:
    """What comes next, or None where nothing comes within the patience."""
    return sock.recv(65536) if waiting.is_readable(sock) else None


def comes_by_itself(sock: socket.socket) -> bool:
    """Whether something comes within the patience while nobody wakes the loop."""
    return bool(select.select([sock], [], [], waiting.patience_s)[0])


def echoed(sock: socket.socket, data: bytes = b"hello") -> bytes:
    """What an echo server sends back, which must come whole."""
    sock.sendall(data)
    got = b""
    while len(got) < len(data) and (more := sock.recv(len(data) - len(got))):
        got += more
    return got


def is_served(sock: socket.socket, times: int = 1) -> bool:
    """Whether an echo server answers, so many times in turn; not so where it ends or lets the patience pass."""
    try:
        for _ in range(times):
            sock.sendall(b"x")
            if hears(sock) != b"x":
                return False
    except ConnectionError:
        return False
    return True


def fill(sock: socket.socket, most_bytes: int = FILL_BYTES) -> int:
    """Send until the other side takes no more for the patience, or has taken `most_bytes`: the number of bytes."""
    sent = 0
    while sent < most_bytes and (taken := _send_some(sock, bytes(min(65536, most_bytes - sent)))) is not None:
        sent += taken
    return sent


def echo_all(sock: socket.socket) -> bool:
    """Send back each piece before the next is read, to the end of file; not so where the other side takes no more
    for the patience."""
    while data := sock.recv(65536):
        while data:
            if (taken := _send_some(sock, data)) is None:
                return False
            data = data[taken:]
    return True


def _send_some(sock: socket.socket, data: bytes) -> int | None:
    """Send what fits: how much that was, None where nothing does for the patience."""
    if not waiting.is_writable(sock):
        return None
    with contextlib.suppress(BlockingIOError):
        return sock.send(data, socket.MSG_DONTWAIT)
    return 0


def reset(sock: socket.socket) -> None:
    """End the connection with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _limit(sock: socket.socket) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
