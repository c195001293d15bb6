"""A client on trial; the script plays its server."""

import contextlib
import dataclasses
import socket
import ssl
import time

from comparison.model import RAW, Log, Pairing, Run, Side
from comparison.play.commands import client_command, payload_file, socket_path, why_not
from comparison.play.peers import Late, Peer
from comparison.play.serving import free_port
from comparison.play.stage.base import LOOK_S, Skip, Stage, family
from comparison.transcript import parse, tells

SAMPLE_S = 0.02
"""How often the memory of a client is looked at."""


class ClientStage(Stage):
    """A client on trial; the script plays its server."""

    accepted_s = 0.0
    """When the client's last connection was there."""
    _listener: socket.socket | None = None

    def listen(self, *, receive_bytes: int | None = None) -> None:
        """Listen, as the client's server; `receive_bytes` is what its kernel may hold unread, about."""
        if self.transport.name == "unix":
            self._listener = socket.socket(socket.AF_UNIX)
            self.keep(self._listener)
            self._listener.bind(str(socket_path(RAW, self.folder)))
            self._listener.listen()
        else:
            self._listener = socket.create_server((self.host, 0), family=family(self.transport))
            self.keep(self._listener)
        if receive_bytes is not None:  # what it accepts inherits that
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)

    def start(self, *options: str) -> None:
        """Start the client, for the socket that listens; without one, for a port that nobody listens on."""
        if self._listener is None:
            port = free_port(self.host)
        else:
            port = 0 if self.transport.name == "unix" else self._listener.getsockname()[1]
        pairing = Pairing(RAW, self.endpoint)
        scenario = dataclasses.replace(self.scenario, options=(*self.scenario.options, *options))
        if (reason := why_not(scenario, self.transport, self.endpoint, "client")) is not None:
            raise Skip(reason)
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
        """Take the client's next connection, and show it a certificate that it must not accept. Raises Late where it
        does."""
        try:
            self._handshake(self.accept_socket(), name).close()
        except (ssl.SSLError, ConnectionError):
            self.notebook.tell("peer_1", "tls_refused", "the client ended the TLS handshake")
        else:
            raise Late(f"the client has accepted the certificate {name!r}")

    def _handshake(self, sock: socket.socket, certificate: str) -> ssl.SSLSocket:
        self.keep(sock)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / f"{certificate}.pem")
        sock.settimeout(self.deadline.left())
        return context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)

    def play(self, number: int) -> Run:
        """Run the script, and wait for the end of the client. Raises Busy and Skip."""
        trouble = self._play_script()
        client = self._log_of_client()
        self._check_supported(client)
        server = self.notebook.log(trouble)
        events = parse(client.lines)
        silent: tuple[Side, ...] = () if self.endpoint.takes_options or tells(events) else ("client",)
        return Run(Pairing(RAW, self.endpoint), number, server, client, parse(server.lines), events, silent)

    def _log_of_client(self) -> Log:
        process = self.running()
        while self.deadline.left() > SAMPLE_S and not process.has_ended:
            self.look_at_memory()
            process.wait_a_little(SAMPLE_S)
        return dataclasses.replace(self._wait_for_end(), peak_bytes=self.peak_bytes)
