"""TLS: certificates of this process, and a peer that decides which records share a packet."""

import contextlib
import functools
import socket
from typing import Any

from behaviours.kit.telling import skip

NAME = "localhost"


def server_tls() -> dict[str, Any]:
    """What a server takes for TLS, with a certificate that `client_tls` trusts."""
    return {"ssl": _contexts()[0]}


def client_tls() -> dict[str, Any]:
    """What a client takes for TLS with `server_tls`."""
    return {"ssl": _contexts()[1], "server_hostname": NAME}


class TLSPeer:
    """One end of a TLS connection over a blocking socket, after the handshake. What it makes goes out by `send`
    alone, in one packet where it is small."""

    def __init__(self, sock: socket.socket, *, server_side: bool = False) -> None:
        import ssl

        self._sock = sock
        self._wants = ssl.SSLWantReadError
        self._came, self._made = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = _contexts()[0 if server_side else 1]
        name = None if server_side else NAME
        self._tls = context.wrap_bio(self._came, self._made, server_side, name)
        self.closed_properly = False
        """Whether the other end has said goodbye: its close_notify has come."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except self._wants:
                self.send()
                if not self._take():
                    raise ConnectionError("the other end has left the handshake") from None
        self.send()

    def record(self, data: bytes) -> bytes:
        """Data as records, to be sent."""
        self._tls.write(data)
        return self._made.read()

    def goodbye(self) -> bytes:
        """Our close_notify, to be sent."""
        with contextlib.suppress(self._wants):
            self._tls.unwrap()
        return self._made.read()

    def send(self, *pieces: bytes) -> None:
        """Send records, or whatever else, at once; first what TLS itself has to say."""
        self._sock.sendall(self._made.read() + b"".join(pieces))

    def answer(self) -> bytes:
        """The data that come next; empty at the end, by a goodbye or without."""
        import ssl

        while True:
            try:
                data: bytes = self._tls.read(65536)
                self.closed_properly = self.closed_properly or not data
                return data
            except ssl.SSLZeroReturnError:
                self.closed_properly = True
                return b""
            except ssl.SSLWantReadError:
                if not self._take():
                    return b""

    def all_of(self) -> bytes:
        """All data until the end."""
        return b"".join(iter(self.answer, b""))

    def _take(self) -> bool:
        data = self._sock.recv(65536)
        self._came.write(data)
        return bool(data)


@functools.cache
def _contexts() -> Any:
    """A server's context and that of a client that trusts it."""
    import ssl

    try:
        import trustme
    except ImportError:
        skip("certificates are lacking; install what makes them with: pip install trustme")
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(NAME).configure_cert(server)
    authority.configure_trust(client)
    return server, client
