"""Non-blocking connections that send known bytes and check what comes back, in the clear or over TLS. No timing."""

import contextlib
import errno
import os
import socket
import ssl

from comparison.bench.plan import TLS, Cell

# A read asks for what is in flight, within these bounds: recv() allocates what it is asked for, and beyond 128 KiB that
# is a system call of its own, and pages to be zeroed, which took twice the time of all the rest.
LEAST_READ_BYTES, MOST_READ_BYTES = 4096, 64 * 1024

LENGTH_DIGITS = 8  # of how many bytes follow: a line begins with it, for those who do not look for its end
LEAST_LINE_BYTES = LENGTH_DIGITS + 2

TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # takes any certificate: what is measured is on this machine
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


class Traffic:
    """What each connection of a cell sends, message after message: bytes of every kind, or lines that begin with their
    length, with one newline in each. Messages that follow one another differ, so that an old one that comes again is
    found. After `period_bytes` it begins again; `data` has as much more as can be in flight or come in one read."""

    def __init__(self, cell: Cell) -> None:
        self.is_tls, self.size_bytes = cell.transport == TLS, cell.size_bytes
        period = bytes(range(next(count for count in range(251, 0, -1) if cell.size_bytes % count)))
        if cell.workload == "lines":
            content_bytes = cell.size_bytes - LENGTH_DIGITS - 1
            head = b"%0*d" % (LENGTH_DIGITS, content_bytes + 1)
            letters = bytes(range(32, 127)) * (content_bytes // 95 + 2)
            period = b"".join(head + letters[start : start + content_bytes] + b"\n" for start in range(0, 95, 5))
        at_once = cell.size_bytes * cell.in_flight
        self.period_bytes = len(period)
        self.data = period * (1 + -(-max(at_once, 2 * MOST_READ_BYTES) // len(period)))
        self.read_bytes = min(max(at_once, LEAST_READ_BYTES), MOST_READ_BYTES)


class Broken(OSError):
    """A connection that is of no more use; the text says why, in words that are the same for all of its kind."""


class Connection:
    """One connection to the server, open when its first message is back, whose number is `first`. Its owner waits until
    it is ready, and calls `send` and `receive`; all raise OSError where it has broken."""

    def __init__(self, address: tuple[str, int], traffic: Traffic, first: int) -> None:
        self.has_ended = self._half_closed = False  # by both sides in good order, by this side
        self._traffic = traffic
        self._asked_bytes = self._checked_bytes = first * traffic.size_bytes
        self.unsent = b""
        self._tls: ssl.SSLObject | None = None
        if traffic.is_tls:
            self._in, self._out, self._clear = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
            self._tls = TRUSTING.wrap_bio(self._in, self._out)
        self._ask(1)
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self.socket.connect_ex(address)
        if error not in (0, errno.EINPROGRESS):  # it can be written to as soon as it is connected
            self.socket.close()
            raise OSError(error, os.strerror(error))

    @property
    def waiting(self) -> bool:
        """Whether the server owes it something: answers, or its end."""
        return self._checked_bytes < self._asked_bytes or self._half_closed

    def send(self, count: int = 0) -> None:
        """Send what is `unsent` and the next messages. What does not go at once waits for the next call."""
        self._ask(count)
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            return
        self.unsent = self.unsent[sent:]

    def receive(self) -> int:
        """Take what has come, and check it. How many messages that completes."""
        data = self._read()
        if data is None:
            return 0
        if not data:
            if self._checked_bytes < self._asked_bytes or not self._half_closed:
                raise Broken("closed by the server before the echo was complete")
            self.has_ended = True
            return 0
        sent, size, before = self._traffic, self._traffic.size_bytes, self._checked_bytes
        self._checked_bytes += len(data)
        if self._checked_bytes > self._asked_bytes:
            raise Broken("more bytes came back than were sent")
        if not sent.data.startswith(data, before % sent.period_bytes):
            raise Broken("bytes came back that were not sent")
        return self._checked_bytes // size - before // size

    def half_close(self) -> None:
        """Tell the server that nothing more comes; `receive` then waits for its own end."""
        self._half_closed = True
        with contextlib.suppress(OSError):  # the next read tells
            if self._tls is None:
                self.socket.shutdown(socket.SHUT_WR)
                return
            with contextlib.suppress(ssl.SSLError):  # the server's own goodbye is not there yet
                self._tls.unwrap()
            self.unsent += self._out.read()
            self.send()

    def _ask(self, count: int) -> None:
        """Have the next messages sent; over TLS a handshake comes first, of which each call is the next step."""
        place, length = self._asked_bytes % self._traffic.period_bytes, count * self._traffic.size_bytes
        self._asked_bytes += length
        text = self._traffic.data[place : place + length]
        if self._tls is not None:
            self._clear += text
            try:
                written = self._tls.write(self._clear) if self._clear else 0
                self._clear = self._clear[written:]
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise Broken(f"no TLS handshake: {error.reason}") from None
            text = self._out.read()
        self.unsent += text

    def _read(self) -> bytes | None:
        """What has come, in the clear: None for nothing yet, b"" for the end."""
        try:
            data = self.socket.recv(self._traffic.read_bytes)
        except BlockingIOError:
            return None
        if self._tls is None:
            return data
        if not data and self._tls.version() is None:
            raise Broken("closed by the server in the TLS handshake")
        self._in.write(data)
        self._ask(0)
        parts = []
        # After the goodbye the connection itself must end as well.
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            while part := self._tls.read(MOST_READ_BYTES):
                parts.append(part)
        return b"".join(parts) or (None if data else b"")


def how_it_broke(error: OSError) -> str:
    """Why a connection is of no more use, in words that are the same for all of its kind."""
    if isinstance(error, Broken):
        return str(error)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "reset by the server before the echo was complete"
    text = error.reason if isinstance(error, ssl.SSLError) else os.strerror(error.errno or 0).lower()
    return f"could not connect: {text}" if isinstance(error, ConnectionRefusedError) else f"failed: {text}"
