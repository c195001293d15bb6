"""Non-blocking connections that send known bytes and check what comes back, in the clear or over TLS. No timing, no
statistics."""

import contextlib
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
    """One connection to the server, open when its first message is back. Its owner waits until it is ready, and calls
    `flush` and `receive`; all raise Broken, and the making of it OSError."""

    def __init__(
        self,
        address: tuple[str, int],
        texts: list[bytes],
        first: int,
        in_flight: int = 1,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.waiting = 1
        """How many of its messages have not come back."""
        self.has_ended = False
        """Whether both sides have closed it in good order."""
        self._half_closed = False
        self._texts = texts
        self._read_bytes = min(max(len(texts[0]) * in_flight, LEAST_READ_BYTES), MOST_READ_BYTES)
        self._next = self._expected = first % VARIANTS
        self._checked_bytes = 0
        self._unsent = b""
        self._tls: ssl.SSLObject | None = None
        self._is_secure = tls is None
        if tls is not None:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._in, self._out)
            self._shake_hands()
        else:
            self._queue(1)
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect(address)
        except BlockingIOError:
            pass  # it can be written to as soon as it is connected
        except OSError:
            self.close()
            raise

    # --- Messages ---
    @property
    def all_sent(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._unsent

    def send(self, count: int = 1) -> None:
        """Send the next messages. What does not go at once waits for `flush`."""
        self.waiting += count
        self._queue(count)
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._unsent:
            try:
                sent = self.socket.send(self._unsent)
            except BlockingIOError:
                return
            except OSError as error:
                raise Broken(how_it_broke(error)) from None
            self._unsent = self._unsent[sent:]

    def receive(self) -> int:
        """Take what has come, and check it. How many messages that completes."""
        data = self._read()
        if data is None:
            return 0
        if not data:
            if self.waiting or not self._half_closed:
                raise Broken("closed by the server before the echo was complete")
            self.has_ended = True
            return 0
        text = self._texts[self._expected]
        if self._checked_bytes or len(data) != len(text) or not self.waiting:
            return self._check(data)
        if data != text:  # one whole message is by far the most frequent case, and the one to be fast
            raise Broken("bytes came back that were not sent")
        self._expected = (self._expected + 1) % VARIANTS
        self.waiting -= 1
        return 1

    def half_close(self) -> None:
        """Tell the server that nothing more comes; `receive` then waits for its own end."""
        self._half_closed = True
        with contextlib.suppress(OSError, Broken):  # the next read tells
            if self._tls is None:
                self.socket.shutdown(socket.SHUT_WR)
                return
            with contextlib.suppress(ssl.SSLError):  # the server's own goodbye is not there yet
                self._tls.unwrap()
            self._unsent += self._out.read()
            self.flush()

    def close(self) -> None:
        self.socket.close()

    def _queue(self, count: int) -> None:
        text = self._texts[self._next]
        if count > 1:
            text = b"".join(self._texts[(self._next + number) % VARIANTS] for number in range(count))
        self._next = (self._next + count) % VARIANTS
        if self._tls is not None:
            self._tls.write(text)
            text = self._out.read()
        self._unsent = self._unsent + text if self._unsent else text

    def _check(self, data: bytes) -> int:
        """Check data that is not exactly one message."""
        complete = place = 0
        while place < len(data):
            if complete == self.waiting:
                raise Broken("more bytes came back than were sent")
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

    # --- Bytes ---
    def _shake_hands(self) -> None:
        """The next step of the TLS handshake; after the last one the first message goes."""
        assert self._tls is not None
        try:
            self._tls.do_handshake()
            self._is_secure = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise Broken(f"no TLS handshake: {error.reason}") from None
        self._unsent += self._out.read()
        if self._is_secure:
            self._queue(1)

    def _read(self) -> bytes | None:
        """What has come, in the clear: None for nothing yet, b"" for the end."""
        try:
            data = self.socket.recv(self._read_bytes if self._tls is None else MOST_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Broken(how_it_broke(error)) from None
        if self._tls is None:
            return data
        if data:
            self._in.write(data)
        if not self._is_secure:
            if not data:
                raise Broken("closed by the server in the TLS handshake")
            self._shake_hands()
            self.flush()
        parts = []
        try:
            while self._is_secure and (part := self._tls.read(MOST_READ_BYTES)):
                parts.append(part)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # after the goodbye the connection itself must end as well
        except ssl.SSLError as error:
            raise Broken(f"failed: {error.reason}") from None
        return b"".join(parts) or (None if data else b"")


def how_it_broke(error: OSError) -> str:
    """An error of the system as the reason of a Broken."""
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "reset by the server before the echo was complete"
    text = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"could not connect: {text}" if isinstance(error, ConnectionRefusedError) else f"failed: {text}"
