"""What the script of a scenario can do: start the endpoint on trial, and play the other side with raw sockets.

A script is a short function that gets a stage. On a `ServerStage` it connects peers to a server, on a `ClientStage` it
listens and accepts the connections of a client.
"""

import contextlib
import dataclasses
import resource
import select
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

from comparison.commands import HOSTS, client_command, payload_file, server_command, socket_path, why_not
from comparison.model import RAW, Endpoint, Log, Pairing, Run, Scenario, Side, Transport
from comparison.peers import AFTER, Deadline, Late, Notebook, Peer
from comparison.processes import Launcher, Process
from comparison.serving import NotReady, free_port, start_server, start_silent_server
from comparison.transcript import parse, parse_line, tells

SAMPLE_S = 0.02
"""How often the memory of a client is looked at."""

LOOK_S = 0.05
"""How often it is looked whether a client that should connect is still there."""

STILL_SERVES_BYTES = 1000


class Skip(Exception):
    """The scenario cannot be played here; the text is the reason."""


class Stage:
    """What both kinds of script have in common: the endpoint on trial, the peers, the deadline."""

    def __init__(
        self, launcher: Launcher, scenario: Scenario, transport: Transport, folder: Path, endpoint: Endpoint
    ) -> None:
        self.launcher = launcher
        self.scenario = scenario
        self.transport = transport
        self.folder = folder
        self.endpoint = endpoint
        self.deadline = Deadline(scenario.deadline_s)
        self.notebook = Notebook()
        self.process: Process | None = None
        self._peers: list[Peer] = []
        self._open = contextlib.ExitStack()

    @property
    def host(self) -> str:
        return HOSTS.get(self.transport.name, "localhost")

    @property
    def uses_tls(self) -> bool:
        return self.transport.name in ("tls", "mtls")

    def running(self) -> Process:
        """The endpoint on trial, which the script has started."""
        assert self.process is not None, "the script has not started the endpoint"
        return self.process

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until the endpoint has told of an event `count` times. One that tells nothing is not waited for."""
        if not self.endpoint.takes_options:
            return
        seen = 0

        def wanted(line: str) -> bool:
            nonlocal seen
            seen += parse_line(line).name == event
            return seen >= count

        if self.running().wait_for_line(wanted, self.deadline.left()) is None:
            raise Late(f"{count} times {event!r} in the log was waited for in vain")

    def wait_until_turned_away(self, peers: Sequence[Peer], event: str) -> None:
        """Wait until all of these peers are turned away, or the endpoint has told of an event."""

        def told() -> bool:
            return self.running().wait_for_line(lambda line: parse_line(line).name == event, LOOK_S) is not None

        waiting = list(peers)
        while waiting and not told():
            ready, _, _ = select.select([peer.sock for peer in waiting], [], [], 0)
            waiting = [peer for peer in waiting if peer.sock not in ready]
            if self.deadline.left() <= LOOK_S:
                raise Late(f"{len(waiting)} clients were neither served nor turned away")

    def signal(self, number: int) -> None:
        self.running().send_signal(number)

    def skip(self, reason: str) -> Skip:
        """To be raised where the scenario cannot be played here."""
        return Skip(reason)

    def pause(self, seconds: float) -> None:
        """Let a little time pass, where that is what a peer does."""
        time.sleep(seconds)

    def _wait_for_end(self) -> Log:
        log = self.running().wait(self.deadline.left())
        late = f"still running after {self.deadline.seconds:g} s"
        return log if log.trouble is None else dataclasses.replace(log, trouble=late)

    def keep(self, resource: contextlib.AbstractContextManager[object]) -> None:
        """Have something closed when the play is over."""
        self._open.enter_context(resource)

    def close(self) -> None:
        self._open.close()
        for peer in self._peers:
            peer.sock.close()
        if self.process is not None and not self.process.has_ended:
            self.process.kill()

    def _peer(self, sock: socket.socket, *, echoed: bool, name: str | None = None, shift: int = 0) -> Peer:
        name = name or f"peer_{len(self._peers) + 1}"
        pattern = self.scenario.pattern[shift:] + self.scenario.pattern[:shift]
        peer = Peer(sock, name, self.notebook, self.deadline, pattern, echoed=echoed)
        self._peers.append(peer)
        return peer


class ServerStage(Stage):
    """A server on trial; the script plays its clients."""

    port = 0
    ended = False
    _tried_port: int | None = None

    def start(self, *options: str) -> None:
        """Start the server, and wait until it accepts connections. Raises NotReady, and Skip where it does not take
        these options."""
        command = self.command(*options)
        if self.endpoint.takes_options:
            needs_port = self.transport.name != "unix"
            self.process, self.port = start_server(self.launcher, command, needs_port=needs_port)
        else:
            self.process, self.port, self._tried_port = start_silent_server(
                self.launcher,
                lambda port: server_command(self.scenario, self.transport, self.endpoint, self.folder, port),
                self.host,
            )

    def start_in_vain(self, *options: str) -> None:
        """Start a server that cannot serve, and wait for its end."""
        self.process = self.launcher.start(self.command(*options))
        self.ended = True

    def take_a_port(self) -> int:
        """A port on which somebody listens until the play is over."""
        taken = socket.create_server((self.host, 0), family=_family(self.transport))
        self.keep(taken)
        port: int = taken.getsockname()[1]
        return port

    def limit_files(self, left: int) -> None:
        """Leave the server so many file descriptors more than it holds. Raises Skip where the system cannot."""
        if not hasattr(resource, "prlimit"):
            raise Skip("only Linux can limit the open files of a process that runs")
        held = len(list(Path(f"/proc/{self.running().pid}/fd").iterdir()))
        resource.prlimit(self.running().pid, resource.RLIMIT_NOFILE, (held + left, held + left))

    def command(self, *options: str) -> tuple[str, ...]:
        """The command that starts the server."""
        scenario = dataclasses.replace(self.scenario, server_options=(*self.scenario.server_options, *options))
        if (reason := why_not(scenario, self.transport, self.endpoint, "server")) is not None:
            raise Skip(reason)
        return server_command(scenario, self.transport, self.endpoint, self.folder)

    @property
    def socket_path(self) -> Path:
        """The path of its Unix socket."""
        return socket_path(self.endpoint, self.folder)

    def connect(self, name: str | None = None, *, shift: int = 0) -> Peer:
        """A client that is connected; over TLS the handshake is done, and the server's certificate is verified. `shift`
        is where in the pattern its bytes begin."""
        sock = self.connect_socket()
        if self.uses_tls:
            sock = self._handshake(sock, certificate="client")
        return self._peer(sock, echoed=True, name=name, shift=shift)

    def connect_without_certificate(self) -> Peer:
        """A client over TLS that has no certificate of its own. TLS 1.3 lets it find out only when it reads."""
        return self._peer(self._handshake(self.connect_socket(), certificate=None), echoed=True)

    def _handshake(self, sock: socket.socket, certificate: str | None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        if certificate is not None:
            context.load_cert_chain(self.folder / f"{certificate}.pem")
        return context.wrap_socket(sock, server_hostname="localhost")

    def connect_plain(self) -> Peer:
        """A client that is connected and knows nothing of TLS."""
        return self._peer(self.connect_socket(), echoed=False)

    def connect_socket(self) -> socket.socket:
        """A bare connection."""
        if self.transport.name == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(self.deadline.left())
            sock.connect(str(self.socket_path))
            return sock
        return socket.create_connection((self.host, self.port), self.deadline.left())

    def stop(self, number: int) -> None:
        """Send the server a signal that ends it: nobody stops it later. Raises Skip for a server that need not know
        what the contract says of that."""
        if not self.endpoint.takes_options:
            raise Skip(f"{self.endpoint.label} does not follow the contract, which says how a server stops")
        self.signal(number)
        self.ended = True

    def check_still_serves(self) -> None:
        """A client like any other must get its echo, whatever happened before."""
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

    def play(self, number: int) -> Run:
        """Run the script, and see that the server still serves and then ends as it should. Raises Skip."""
        assert self.scenario.script is not None
        trouble = None
        try:
            self.scenario.script(self)
            if not self.ended:
                self.check_still_serves()
        except (Late, OSError) as error:
            trouble = str(error) or type(error).__name__
        except NotReady as error:
            return self._run(number, error.log, None)
        log = self._wait_for_end() if self.ended else self.running().stop()
        if self.transport.name == "unix" and self.socket_path.exists():
            trouble = trouble or "the server has left its Unix socket file behind"
        return self._run(number, log, trouble)

    def _run(self, number: int, server: Log, trouble: str | None) -> Run:
        client = self.notebook.log(trouble)
        events = tuple(e for e in parse(server.lines) if not e.speaker.endswith(f"_{self._tried_port}"))
        silent: tuple[Side, ...] = () if self.endpoint.takes_options or tells(events) else ("server",)
        return Run(Pairing(self.endpoint, RAW), number, server, client, events, parse(client.lines), silent)


class ClientStage(Stage):
    """A client on trial; the script plays its server."""

    _listener: socket.socket | None = None

    def listen(self) -> None:
        """Listen, as the client's server."""
        if self.transport.name == "unix":
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(socket_path(RAW, self.folder)))
            self._listener.listen()
        else:
            self._listener = socket.create_server((self.host, 0), family=_family(self.transport))
        self.keep(self._listener)

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
        self.process = self.launcher.start(command, stdin=payload_file(pairing, self.folder))

    def accept_socket(self) -> socket.socket:
        """The client's next connection, bare."""
        assert self._listener is not None, "the script does not listen"
        self._listener.settimeout(LOOK_S)
        while not self.running().has_ended and self.deadline.left() > LOOK_S:
            with contextlib.suppress(TimeoutError):
                return self._listener.accept()[0]
        raise Late("no client has connected")

    def accept(self) -> Peer:
        """The client's next connection; over TLS after the handshake."""
        sock = self.accept_socket()
        return self._peer(self._handshake(sock, "server") if self.uses_tls else sock, echoed=False)

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
        return context.wrap_socket(sock, server_side=True)

    def play(self, number: int) -> Run:
        """Run the script, and wait for the end of the client. Raises Skip."""
        assert self.scenario.script is not None
        trouble = None
        try:
            self.scenario.script(self)
        except (Late, OSError) as error:
            trouble = str(error) or type(error).__name__
        client = self._log_of_client()
        server = self.notebook.log(trouble)
        events = parse(client.lines)
        silent: tuple[Side, ...] = () if self.endpoint.takes_options or tells(events) else ("client",)
        return Run(Pairing(RAW, self.endpoint), number, server, client, parse(server.lines), events, silent)

    def _log_of_client(self) -> Log:
        process, peak_bytes = self.running(), None
        while self.deadline.left() > SAMPLE_S and not process.has_ended:
            peak_bytes = process.peak_bytes() or peak_bytes
            process.wait_a_little(SAMPLE_S)
        return dataclasses.replace(self._wait_for_end(), peak_bytes=peak_bytes)


def _family(transport: Transport) -> socket.AddressFamily:
    return socket.AF_INET6 if transport.name == "tcp6" else socket.AF_INET
