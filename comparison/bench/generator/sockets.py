"""Non-blocking connections that send known bytes and check what comes back. No timing, no statistics."""

import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable

LEAST_READ_BYTES = 4096
MOST_READ_BYTES = 64 * 1024
"""A read asks for one message, within these bounds: recv() allocates what it is asked for, and beyond 128 KiB that is a
system call of its own, and pages to be zeroed; it took twice the time of all the rest."""

VARIANTS = 16
"""Messages that follow one another on a connection differ, so that an old one that comes again is found."""

READABLE, WRITABLE, HUNG_UP = select.POLLIN, select.POLLOUT, select.POLLHUP | select.POLLERR


def messages(size_bytes: int) -> list[bytes]:
    """The messages that a connection sends, in turn: each of another content."""
    alphabet = bytes(range(256)) * (size_bytes // 256 + 2)
    return [alphabet[7 * variant : 7 * variant + size_bytes] for variant in range(VARIANTS)]


class Poller:
    """Which descriptors are ready: epoll where there is one, else poll. Both take the same event masks."""

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._poll = None if self._epoll else select.poll()
        backend = self._epoll or self._poll
        assert backend is not None
        self.register: Callable[[int, int], None] = backend.register
        self.modify: Callable[[int, int], None] = backend.modify
        self.unregister: Callable[[int], None] = backend.unregister

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        """Pairs of a descriptor and what it is ready for; empty after `timeout_s` (its resolution is 1 ms)."""
        if self._epoll is not None:
            return self._epoll.poll(timeout_s)
        assert self._poll is not None
        return self._poll.poll(timeout_s * 1000)

    def close(self) -> None:
        if self._epoll is not None:
            self._epoll.close()


class Broken(Exception):
    """A connection that is of no more use; the text says why, in words that are the same for all of its kind."""


class Connection:
    """One connection to the server. Its owner polls, and calls `flush` when it is writable and `receive` when it is
    readable; both raise Broken."""

    __slots__ = (
        "_checked_bytes",
        "_expected",
        "_next",
        "_read_bytes",
        "_texts",
        "_unsent",
        "greeted",
        "number",
        "socket",
    )

    def __init__(self, address: tuple[str, int], texts: list[bytes], first: int) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = self.socket.fileno()
        self.greeted = False
        """Whether its first message was sent."""
        self._texts = texts
        self._read_bytes = min(max(len(texts[0]), LEAST_READ_BYTES), MOST_READ_BYTES)
        self._next = first % VARIANTS
        self._expected = first % VARIANTS
        self._checked_bytes = 0
        self._unsent = b""
        code = self.socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self.close()
            raise Broken(f"could not connect: {os.strerror(code).lower()}")

    def connected(self) -> None:
        """Find out how the attempt ended, once it is writable."""
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise Broken(f"could not connect: {os.strerror(code).lower()}")

    def send(self) -> bool:
        """Send the next message. False where a part of it still waits: `flush` it when the socket is writable."""
        text = self._texts[self._next]
        self._next = (self._next + 1) % VARIANTS
        if self._unsent:
            self._unsent += text
            return False
        return self._write(text)

    def flush(self) -> bool:
        """Send what waits. True where that was all."""
        return self._write(self._unsent) if self._unsent else True

    def _write(self, data: bytes) -> bool:
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise Broken(_how_it_broke(error)) from None
        self._unsent = data[sent:]
        return not self._unsent

    def receive(self) -> int:
        """Take what has come, and check it. How many messages that completes."""
        try:
            data = self.socket.recv(self._read_bytes)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Broken(_how_it_broke(error)) from None
        if not data:
            raise Broken("closed by the server before the echo was complete")
        text = self._texts[self._expected]
        checked = self._checked_bytes + len(data)
        if checked <= len(text):  # by far the most frequent case, and the one to be fast
            if not text.startswith(data, self._checked_bytes):
                raise Broken("bytes came back that were not sent")
            if checked < len(text):
                self._checked_bytes = checked
                return 0
            self._checked_bytes = 0
            self._expected = (self._expected + 1) % VARIANTS
            return 1
        return self._check(data)

    def _check(self, data: bytes) -> int:
        """Check data that holds the end of one message and more."""
        complete = place = 0
        while place < len(data):
            text = self._texts[self._expected]
            part = data[place : place + len(text) - self._checked_bytes]
            if not text.startswith(part, self._checked_bytes):
                raise Broken("bytes came back that were not sent")
            place += len(part)
            self._checked_bytes += len(part)
            if self._checked_bytes == len(text):
                complete += 1
                self._checked_bytes = 0
                self._expected = (self._expected + 1) % VARIANTS
        return complete

    def half_close(self) -> None:
        """Tell the server that nothing more comes."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def is_at_end(self) -> bool:
        """Whether the server has closed, too. Raises Broken for bytes beyond the echo and for a reset."""
        try:
            data = self.socket.recv(self._read_bytes)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Broken(_how_it_broke(error)) from None
        if data:
            raise Broken("more bytes came back than were sent")
        return True

    def close(self) -> None:
        self.socket.close()


def _how_it_broke(error: OSError) -> str:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "reset by the server before the echo was complete"
    return f"failed: {os.strerror(error.errno).lower()}" if error.errno else f"failed: {error}"
