"""What the script of a scenario can do: start a server and play its clients, or start a client and play its server."""

import contextlib
import itertools
import socket
import ssl
import time
from pathlib import Path

from comparison.model import RAW, Log, Pairing
from comparison.play.machine import Skip, out_of
from comparison.play.peers import Late, Peer
from comparison.play.serving import free_port, serve
from comparison.play.stage import LOOK_S, Stage
from comparison.play.transports import client_command, payload_file, server_command, socket_path
from comparison.vocabulary import AFTER, BYSTANDER

STILL_SERVES_BYTES = 1000
SIGNALS_EVERY_S = 0.001  # an end takes tens of milliseconds: a signal reaches each step of it


class ServerStage(Stage):
    """A server on trial; the script plays its clients."""

    on_trial = "server"
    port = 0
    ended = False  # nobody is to stop it any more

    def start(self, *options: str) -> None:
        """Start it, and wait until it accepts connections. Raises NotReady, and Skip where it takes no such options."""
        started = serve(self.launcher, self._with(*options), self.transport, self.endpoint, self.folder)
        self.process, self.port, self._tried_port = started

    def start_in_vain(self, *options: str) -> None:
        """Start a server that cannot serve, and wait for its end."""
        command = server_command(self._with(*options), self.transport, self.endpoint, self.folder)
        self.process = self.launcher.start(command)
        self.ended = True

    def take_a_port(self) -> int:
        """A port on which somebody listens until the play is over."""
        taken = self.kept.enter_context(socket.create_server((self.host, 0), family=self.family))
        return int(taken.getsockname()[1])

    @property
    def socket_path(self) -> Path:
        """The path of its Unix socket."""
        return socket_path(self.endpoint, self.folder)

    def connect(self, name: str | None = None, *, shift: int = 0, certificate: str | None = "client") -> Peer:
        """A client that is connected; over TLS the handshake is done, and the server's certificate is verified (without
        one of its own TLS 1.3 lets it find out only when it reads). `shift` is where in the pattern its bytes begin."""
        sock = self.connect_socket()
        if self.uses_tls:
            context = ssl.create_default_context(cafile=self.folder / "ca.pem")
            if certificate is not None:
                context.load_cert_chain(self.folder / f"{certificate}.pem")
            sock = context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
        return self._peer(sock, echoed=True, name=name, shift=shift)

    def connect_stuck(self, most_bytes: int) -> Peer:
        """A client that reads nothing and has sent all that there is room for: the server holds bytes for it."""
        bystander, peer = self.connect(BYSTANDER), self.connect()
        peer.send_until_stuck(bystander, most_bytes)
        bystander.half_close()
        bystander.receive_to_end()
        return peer

    def connect_plain(self) -> Peer:
        """A client that is connected and knows nothing of TLS."""
        return self._peer(self.connect_socket(), echoed=False)

    def connect_socket(self) -> socket.socket:
        """A bare connection."""
        if self.transport.name == "unix":
            sock = self.kept.enter_context(socket.socket(socket.AF_UNIX))  # before anything can go wrong
            sock.settimeout(self.deadline.left())
            sock.connect(str(self.socket_path))
            return sock
        return socket.create_connection(self.endpoint.server_address or (self.host, self.port), self.deadline.left())

    def stop(self, number: int) -> None:
        """Send the server a signal that ends it: nobody stops it later. Raises Skip where it need not know of that."""
        if not self.endpoint.takes_options:
            raise Skip(f"{self.endpoint.label} does not follow the contract, which says how a server stops")
        self.process.look_at_memory()
        self.signal(number)
        self.ended = True

    def connect_in_vain(self) -> None:
        """Come too late, to a server that has stopped: it must refuse, or end the connection without a word. Raises
        Late where it serves, or leaves the peer waiting."""
        try:
            with self.connect_socket() as sock:
                sock.sendall(b"?")
                if sock.recv(1):
                    raise Late("a client that came after 'closing server' was served")
        except TimeoutError:
            raise Late("a client that came after 'closing server' was neither served nor turned away") from None
        except OSError as error:
            if out_of(error) is not None:
                raise

    def stop_again_and_again(self, *numbers: int) -> None:
        """Send the server these signals by turns until it is gone or the deadline has come. Raises Skip, as `stop`."""
        for number in itertools.cycle(numbers):
            self.stop(number)
            self.process.wait_a_little(SIGNALS_EVERY_S)
            if self.process.has_ended or self.deadline.left() <= LOOK_S:
                return

    def _afterwards(self) -> None:
        """A client like any other must get its echo, whatever happened before."""
        if self.ended:
            return
        peer = self.connect(AFTER)
        peer.send(STILL_SERVES_BYTES)
        if not self.uses_tls:
            peer.half_close()
            peer.receive_to_end()
        else:
            peer.receive(STILL_SERVES_BYTES)
            peer.close()
        if peer.received_bytes != STILL_SERVES_BYTES:
            raise Late(f"does not serve any more: {peer.received_bytes} of {STILL_SERVES_BYTES} bytes came back")

    def _end(self) -> tuple[Log, str | None]:
        log, trouble = super()._end() if self.ended else (self.process.stop(), None)
        ended_well = log.trouble is None and log.exit_code == self.scenario.expects.server_exit
        if ended_well and self.transport.name == "unix" and self.socket_path.exists():
            trouble = "the server has left its Unix socket file behind"
        return log, trouble


class ClientStage(Stage):
    """A client on trial; the script plays its server."""

    on_trial = "client"
    accepted_s = 0.0  # when the client's last connection was there
    _listener: socket.socket | None = None

    def listen(self, *, receive_bytes: int | None = None) -> None:
        """Listen, as the client's server; `receive_bytes` is what its kernel may hold unread, about."""
        address = (self.host, 0) if self.transport.name != "unix" else str(socket_path(RAW, self.folder))
        self._listener = self.kept.enter_context(socket.create_server(address, family=self.family))
        if receive_bytes is not None:  # what it accepts inherits that
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)

    def start(self, *options: str) -> None:
        """Start it, for the socket that listens or a port without one. Raises Skip where it takes no such options."""
        name = self._listener.getsockname() if self._listener is not None else (self.host, free_port(self.host))
        port = 0 if self.transport.name == "unix" else name[1]
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
            over = self.process.has_ended or self.deadline.left() <= LOOK_S
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
