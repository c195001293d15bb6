"""A client on trial; the script plays its server."""

import contextlib
import socket
import ssl
import time

from comparison.model import RAW, Pairing
from comparison.play.peers import Late, Peer
from comparison.play.serving import free_port
from comparison.play.stage.base import LOOK_S, Stage
from comparison.play.transports import client_command, payload_file, socket_path


class ClientStage(Stage):
    """A client on trial; the script plays its server."""

    on_trial = "client"
    accepted_s = 0.0  # when the client's last connection was there
    _listener: socket.socket | None = None

    def listen(self, *, receive_bytes: int | None = None) -> None:
        """Listen, as the client's server; `receive_bytes` is what its kernel may hold unread, about."""
        if self.transport.name == "unix":
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(socket_path(RAW, self.folder)))
            self._listener.listen()
        else:
            self._listener = socket.create_server((self.host, 0), family=self.family)
        self.kept.enter_context(self._listener)
        if receive_bytes is not None:  # what it accepts inherits that
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)

    def start(self, *options: str) -> None:
        """Start it, for the socket that listens, else for a port that has none. Raises Skip: no such options."""
        if self._listener is None:
            port = free_port(self.host)
        else:
            port = 0 if self.transport.name == "unix" else self._listener.getsockname()[1]
        scenario, pairing = self._with(*options), Pairing(RAW, self.endpoint)
        command = client_command(scenario, self.transport, pairing, self.folder, port)
        payload = payload_file(scenario, self.transport, pairing, self.folder)
        self.process = self.launcher.start(command, stdin=payload)

    def accept_socket(self) -> socket.socket:
        """The client's next connection, bare."""
        assert self._listener is not None, "the script does not listen"
        self._listener.settimeout(LOOK_S)
        over = False
        while not over:  # asked before it is looked: a client may connect, fail, and have ended by now
            over = self.running().has_ended or self.deadline.left() <= LOOK_S
            with contextlib.suppress(TimeoutError):
                sock, _ = self._listener.accept()
                self.accepted_s = time.monotonic()
                return sock
        raise Late("no client has connected")

    def accept(self, *, plain: bool = False) -> Peer:
        """The client's next connection; over TLS after the handshake, unless it is to be left `plain`."""
        sock = self.accept_socket()
        return self._peer(self._handshake(sock, "server") if self.uses_tls and not plain else sock, echoed=False)

    def show_certificate(self, name: str) -> None:
        """Show the client's next connection a certificate that it must not accept. Raises Late where it does."""
        try:
            self._handshake(self.accept_socket(), name).close()
        except (ssl.SSLError, ConnectionError):
            self.notebook.tell("peer_1", "tls_refused", "the client ended the TLS handshake")
        else:
            raise Late(f"the client has accepted the certificate {name!r}")

    def _handshake(self, sock: socket.socket, certificate: str) -> ssl.SSLSocket:
        self.kept.enter_context(sock)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / f"{certificate}.pem")
        sock.settimeout(self.deadline.left())
        return context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
