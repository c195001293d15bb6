"""What the socket of a connection is told, and asked. Both APIs hand it out: `get_extra_info("socket")`."""

import asyncio
import contextlib
import socket
import sys

from common.config import KEEP_ALIVE_EVERY_S, KEEP_ALIVE_IDLE_S, KEEP_ALIVE_PROBES

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

KEEP_ALIVE = {
    "TCP_KEEPIDLE": KEEP_ALIVE_IDLE_S,
    "TCP_KEEPALIVE": KEEP_ALIVE_IDLE_S,  # the same, as macOS calls it
    "TCP_KEEPINTVL": KEEP_ALIVE_EVERY_S,
    "TCP_KEEPCNT": KEEP_ALIVE_PROBES,
}

TELL_WHAT_THEY_HOLD = ("linux", "darwin")
"""The systems that tell how much of what was sent is still in the kernel."""

SO_NWRITE = 0x1024
"""macOS: the bytes in a socket's send buffer. Python has no name for it."""


KEEP_ALIVE_IS_INHERITED = sys.platform in ("linux", "freebsd")
"""Whether an accepted connection has its listener's options: set on each they take twice its instructions on uvloop."""


def keep_alive(of: asyncio.BaseTransport | socket.socket) -> None:
    """Have the kernel ask now and then whether the other machine is still there, with the options that it has; of a
    listener, on each connection that it accepts. TCP only: a Unix socket hears of its peer's end in any case."""
    sock = of if isinstance(of, socket.socket) else of.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):  # it was reset a moment ago
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE.items():
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def unacknowledged_bytes(transport: asyncio.BaseTransport) -> int:
    """What the kernel still holds of what was sent: over TCP until the peer's kernel has acknowledged it, over a Unix
    socket, counted with its overhead, until the peer has read it. 0 where the system does not tell."""
    sock = transport.get_extra_info("socket")
    # The descriptor of a connection that is over is negative, or no socket any more.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if sys.platform == "linux":
            held = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
            return int.from_bytes(held, sys.byteorder)
        if sys.platform == "darwin":
            return int(sock.getsockopt(socket.SOL_SOCKET, SO_NWRITE))
    return 0
