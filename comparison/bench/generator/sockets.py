"""Non-blocking connections that send known bytes and check what comes back, in the clear or over TLS. No timing, no
statistics."""

import contextlib
import errno
import os
import socket
import ssl

LEAST_READ_BYTES = 4096
MOST_READ_BYTES = 64 * 1024
"""A read asks for what is in flight, within these bounds: recv() allocates what it is asked for, and beyond 128 KiB
that is a system call of its own, and pages to be zeroed; it took twice the time of all the rest."""

VARIANTS = 16
"""Messages that follow one another on a connection differ, so that an old one that comes again is found."""

LENGTH_DIGITS = 8
"""What a line begins with: the number of the bytes that follow, so that one line serves servers that look for its end
and those that count."""

LEAST_LINE_BYTES = LENGTH_DIGITS + 2


def messages(size_bytes: int) -> list[bytes]:
    """The messages that a connection sends, in turn: each of another content."""
    alphabet = bytes(range(256)) * (size_bytes // 256 + 2)
    return [alphabet[7 * variant : 7 * variant + size_bytes] for variant in range(VARIANTS)]


def lines(size_bytes: int) -> list[bytes]:
    """Messages that begin with their length and end in a newline, the only one in them."""
    content_bytes = size_bytes - LENGTH_DIGITS - 1
    letters = bytes(range(32, 127)) * (content_bytes // 95 + 2)
    head = b"%0*d" % (LENGTH_DIGITS, content_bytes + 1)
    return [head + letters[5 * variant : 5 * variant + content_bytes] + b"\n" for variant in range(VARIANTS)]


class Broken(Exception):
    """A connection that is of no more use; the text says why, in words that are the same for all of its kind."""


class Connection:
    """One connection to the server. Its owner waits until it is ready, calls `greet` until that is over, then `flush`
    and `receive`, and in the end `is_at_end`; all raise Broken."""

    def __init__(
        self,
        address: tuple[str, int],
        texts: list[bytes],
        first: int,
        in_flight: int = 1,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = 0
        """How many of its messages have not come back."""
        self._tls: ssl.SSLObject | None = None
        if tls is not None:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._in, self._out)
        self._is_connected = self._is_secure = False
        self._texts = texts
        self._read_bytes = min(max(len(texts[0]) * in_flight, LEAST_READ_BYTES), MOST_READ_BYTES)
        self._next = self._expected = first % VARIANTS
        self._checked_bytes = 0
        self._unsent = b""
        code = self.socket.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self.close()
            raise Broken(f"could not connect: {os.strerror(code).lower()}")

    # --- Opening ---
    def greet(self, readable: bool, writable: bool) -> bool:
        """The next step: of connecting, of the TLS handshake, of a first echo. True once that is back."""
        if not self._is_connected:
            if code := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise Broken(f"could not connect: {os.strerror(code).lower()}")
            self._is_connected = writable
            readable = False
        elif writable:
            self.flush()
        if self._is_connected and not self._is_secure:
            self._is_secure = self._tls is None or self._shake_hands(readable)
            if self._is_secure:
                self.send()
                readable = False
        return readable and self.receive() > 0

    def _shake_hands(self, readable: bool) -> bool:
        assert self._tls is not None
        if readable and self._take() == b"":
            raise Broken("closed by the server in the TLS handshake")
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise Broken(f"no TLS handshake: {error.reason}") from None
        finally:
            self._write(self._unsent + self._out.read())
        return True

    # --- Messages ---
    @property
    def all_sent(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._unsent

    def send(self, count: int = 1) -> None:
        """Send the next messages. What does not go at once waits for `flush`."""
        text = self._texts[self._next]
        if count > 1:
            text = b"".join(self._texts[(self._next + number) % VARIANTS] for number in range(count))
        self._next = (self._next + count) % VARIANTS
        self.waiting += count
        if self._tls is not None:
            self._tls.write(text)
            text = self._out.read()
        self._write(self._unsent + text if self._unsent else text)

    def flush(self) -> None:
        """Send what waits."""
        if self._unsent:
            self._write(self._unsent)

    def receive(self) -> int:
        """Take what has come, and check it. How many messages that completes."""
        data = self._read()
        if data is None:
            return 0
        if not data:
            raise Broken("closed by the server before the echo was complete")
        text = self._texts[self._expected]
        if self._checked_bytes or len(data) != len(text):
            return self._check(data)
        if data != text:  # one whole message is by far the most frequent case, and the one to be fast
            raise Broken("bytes came back that were not sent")
        self._expected = (self._expected + 1) % VARIANTS
        self.waiting -= 1
        return 1

    def _check(self, data: bytes) -> int:
        """Check data that is not exactly one message."""
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
        self.waiting -= complete
        return complete

    # --- Ending ---
    def half_close(self) -> None:
        """Tell the server that nothing more comes."""
        with contextlib.suppress(OSError):
            if self._tls is None:
                self.socket.shutdown(socket.SHUT_WR)
                return
            with contextlib.suppress(ssl.SSLError):  # the server's own goodbye is not there yet
                self._tls.unwrap()
            self.socket.send(self._out.read())

    def is_at_end(self) -> bool:
        """Whether the server has closed, too. Raises Broken for bytes beyond the echo and for a reset."""
        data = self._read()
        if data:
            raise Broken("more bytes came back than were sent")
        return data is not None

    def close(self) -> None:
        self.socket.close()

    # --- Bytes ---
    def _write(self, data: bytes) -> None:
        try:
            sent = self.socket.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise Broken(_how_it_broke(error)) from None
        self._unsent = data[sent:]

    def _read(self) -> bytes | None:
        """What has come, in the clear: None for nothing yet, b"" for the end."""
        data = self._take()
        if self._tls is None or data is None:
            return data
        parts = []
        try:
            while part := self._tls.read(MOST_READ_BYTES):
                parts.append(part)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # after the goodbye the connection itself must end as well
        except ssl.SSLError as error:
            raise Broken(f"failed: {error.reason}") from None
        return b"".join(parts) or (None if data else b"")

    def _take(self) -> bytes | None:
        """What has come on the wire; over TLS it goes to where it is deciphered."""
        try:
            data = self.socket.recv(self._read_bytes if self._tls is None else MOST_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Broken(_how_it_broke(error)) from None
        if self._tls is not None and data:
            self._in.write(data)
        return data


def _how_it_broke(error: OSError) -> str:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "reset by the server before the echo was complete"
    return f"failed: {os.strerror(error.errno).lower()}" if error.errno else f"failed: {error}"
