"""What the script of a scenario can do: start a server and play its clients, or start a client and play its server."""

import contextlib
import dataclasses
import itertools
import os
import select
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from comparison.model import Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.play import transports
from comparison.play.machine import Busy, Skip, cpu_clock_s, heartbeat, out_of, wants_cpu
from comparison.play.peers import Deadline, Late, Notebook, Peer
from comparison.play.processes import Launcher, Process
from comparison.play.serving import LOOK_S, NotReady, free_port, launched, serve
from comparison.transcript import parse, parse_line, tells
from comparison.vocabulary import AFTER

SAMPLE_S = 0.02  # how often it is looked at the memory of an endpoint that is about to end

ASLEEP_S = 0.05  # CPU time that the engine takes for itself: who spins gets about as much, however busy the machine is
ASLEEP_SHARE = 0.25  # the most that one with nothing to do takes beside that; the least that one takes which spins
LOOKS = 3  # at first an endpoint may still do what was to be done

SOONEST = 0.85  # of a limit of time must have passed: half of it is found out, a beginning that is noted late is not
STILL_SERVES_BYTES = 1000


@dataclasses.dataclass(eq=False)
class Stage:
    """What both kinds of script have in common: the endpoint on trial, the peers, the deadline."""

    on_trial: ClassVar[Side]
    launcher: Launcher
    scenario: Scenario
    transport: Transport
    folder: Path
    pairing: Pairing

    def __post_init__(self) -> None:
        self.endpoint = self.pairing.end(self.on_trial)
        self.process: Process  # the endpoint on trial, when the script has started it
        self.host = transports.HOSTS.get(self.transport.name, "localhost")
        self.family = {"tcp6": socket.AF_INET6, "unix": socket.AF_UNIX}.get(self.transport.name, socket.AF_INET)
        self.socket_path = transports.socket_path(self.folder)  # of the server, over a Unix socket
        self.uses_tls = not transports.half_closes(self.transport)
        self.deadline = Deadline(self.scenario.deadline_s)
        self.notebook = Notebook()
        self.trouble: str | None = None  # what went wrong
        self.kept = contextlib.ExitStack()  # what is closed when the play is over
        self._numbers = itertools.count(1)

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until the endpoint has told of an event `count` times. One that tells nothing is not waited for."""
        if not self.endpoint.takes_options:
            return
        numbers, ended = itertools.count(1), False
        found = self.process.search(lambda line: parse_line(line).name == event and next(numbers) >= count)
        # Who ends with the line that is waited for is looked at before.
        while found(min(LOOK_S, self.deadline.left())) is None:
            if ended or self.deadline.left() <= LOOK_S:
                raise Late(f"{count} times {event!r} in the log was waited for in vain")
            self.process.look_at_memory()
            ended = self.process.output_is_over

    def told(self, event: str) -> list[Event]:
        """The lines of an event that the endpoint has told so far."""
        return [line for line in parse(self.process.lines) if line.name == event]

    def wait_until_turned_away(self, peers: Sequence[Peer], event: str) -> None:
        """Wait until all of these peers are turned away, or the endpoint has told of an event."""
        waiting = {peer.sock for peer in peers}
        while waiting and not self.told(event):
            waiting.difference_update(*select.select(waiting, [], [], LOOK_S))
            if self.deadline.left() <= LOOK_S:
                raise Late(f"{len(waiting)} clients were neither served nor turned away")

    def check_asleep(self, when: str) -> None:
        """See that the endpoint, which has nothing to do, takes no CPU time. Raises Skip where the system does not
        tell, Late where it spins, and Busy where others keep it from either."""
        if cpu_clock_s(os.getpid()) is None:
            raise Skip("this system does not tell the CPU time of another process")
        pid, looks, share = self.process.pid, 0, 0.0
        while looks < LOOKS:
            before_s, own_s = cpu_clock_s(pid) or 0.0, time.thread_time()
            while time.thread_time() < own_s + ASLEEP_S:
                pass
            share = ((cpu_clock_s(pid) or 0.0) - before_s) / ASLEEP_S
            if share >= ASLEEP_SHARE:
                looks += 1
            elif not wants_cpu(pid):
                return
            elif self.deadline.left() <= ASLEEP_S:
                raise Busy
        raise Late(f"spins {when}: it has nothing to do, and takes {share:.0%} of the CPU time that another gets")

    def check_not_sooner(self, limit_s: float, since_s: float) -> None:
        """See that a limit of time has not come too soon. Only that can be seen: later is whatever the machine does."""
        if (passed_s := time.monotonic() - since_s) < SOONEST * limit_s:
            raise Late(f"came after {passed_s:.2f} s, and the limit is {limit_s:g} s")

    def _run(self, command: Sequence[str], options: Sequence[str], payload: Path | None = None) -> None:
        """Start the endpoint with further options. Raises Skip where it takes none."""
        if why := transports.why_not(self.scenario, self.transport, self.endpoint, self.on_trial, options):
            raise Skip(why)
        self.process = launched(self.launcher, (*command, *options), payload)

    def _peer(self, sock: socket.socket, *, echoed: bool, name: str | None = None, shift: int = 0) -> Peer:
        self.kept.enter_context(sock)
        number, pattern = next(self._numbers), self.scenario.pattern[shift:] + self.scenario.pattern[:shift]
        return Peer(sock, name or f"peer_{number}", self.notebook, self.deadline, pattern, echoed=echoed)

    def play(self, number: int) -> Run:
        """Run the script, and see how the endpoint ends. Raises Busy, and Skip where it does not support this."""
        lacking = None
        try:
            with self.kept:
                self._play_script()
                log = self._end()
        except NotReady as error:
            log, lacking = error.log, error.lacking
        if (why := lacking or transports.not_supported(self.endpoint, log)) is not None:
            raise Skip(why)
        theirs = self.notebook.log(self.trouble)
        silent = () if self.endpoint.takes_options or tells(log.events) else (self.on_trial,)
        server, client = (log, theirs) if self.on_trial == "server" else (theirs, log)
        return Run(self.pairing, number, server, client, silent)

    def _play_script(self) -> None:
        """Run the script. Raises NotReady, Busy, and Skip where the engine is out of something."""
        assert self.scenario.script is not None
        with heartbeat(self.scenario.late_s):
            try:
                self.scenario.script(self)
                self._afterwards()
            except Late as error:
                self.trouble = str(error)
            except OSError as error:
                if (lacking := out_of(error)) is not None:
                    raise Skip(lacking) from None
                why = (error.strerror or str(error) or type(error).__name__).lower()
                self.trouble = f"a peer of ours failed: {why}"

    def _afterwards(self) -> None:
        """What must hold after the script."""

    def _end(self) -> Log:
        """Wait for the end of the endpoint."""
        process = self.process
        while not process.has_ended and self.deadline.left() > SAMPLE_S:
            process.look_at_memory()
            process.wait_a_little(SAMPLE_S)
        return process.wait(self.deadline.left(), of_s=self.deadline.seconds)


class ServerStage(Stage):
    """A server on trial; the script plays its clients."""

    on_trial = "server"
    address: tuple[str, int]  # where it listens, when it has been started; over a Unix socket that says nothing
    ended = False  # nobody is to stop it any more

    def start(self) -> None:
        """Start it, and wait until it accepts connections. Raises NotReady, and Skip where it does not support this."""
        self.process, self.address = serve(self.launcher, self.scenario, self.transport, self.endpoint, self.folder)

    def start_in_vain(self, *options: str) -> None:
        """Start a server that cannot serve, and wait for its end."""
        command = transports.server_command(self.scenario, self.transport, self.endpoint, self.folder)
        self._run(command, options)
        self.ended = True

    def connect(self, name: str | None = None, *, shift: int = 0, plain: bool = False, certified: bool = True) -> Peer:
        """A client that is connected; unless it is `plain` the TLS handshake is done, and the server's certificate is
        verified (without one of its own TLS 1.3 lets it find out only when it reads). Its bytes begin at `shift`."""
        sock = self.connect_socket()
        if self.uses_tls and not plain:
            context = ssl.create_default_context(cafile=self.folder / "ca.pem")
            if certified:
                context.load_cert_chain(self.folder / "client.pem")
            sock = context.wrap_socket(sock, server_hostname="localhost", suppress_ragged_eofs=False)
        return self._peer(sock, echoed=not plain, name=name, shift=shift)

    def connect_socket(self) -> socket.socket:
        """A bare connection."""
        if self.transport.name == "unix":
            sock = self.kept.enter_context(socket.socket(socket.AF_UNIX))  # before anything can go wrong
            sock.settimeout(self.deadline.left())
            sock.connect(str(self.socket_path))
            return sock
        return socket.create_connection(self.address, self.deadline.left())

    def stop(self, number: int) -> None:
        """Send the server a signal that ends it: nobody stops it later. Raises Skip where it need not know of that."""
        if not self.endpoint.takes_options:
            raise Skip(f"{self.endpoint.label} does not follow the contract, which says how a server stops")
        self.process.look_at_memory()
        self.process.send_signal(number)
        self.ended = True

    def connect_in_vain(self) -> None:
        """Come too late: a server must refuse, or end it without a word. Raises Late where it serves, or keeps us."""
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

    def _afterwards(self) -> None:
        """What must be told is waited for, and a client like any other must get its echo, whatever happened before."""
        if self.ended:
            return
        for event in self.scenario.expects.told:
            self.wait_for(event)
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

    def _end(self) -> Log:
        log = super()._end() if self.ended else self.process.stop()
        ended_well = log.trouble is None and log.exit_code == self.scenario.expects.server_exit
        if ended_well and self.transport.name == "unix" and self.socket_path.exists():
            self.trouble = self.trouble or "the server has left its Unix socket file behind"
        return log


class ClientStage(Stage):
    """A client on trial; the script plays its server."""

    on_trial = "client"
    accepted_s = 0.0  # when the client's last connection was there
    _listener: socket.socket | None = None

    def listen(self, *, receive_bytes: int | None = None) -> None:
        """Listen, as the client's server; `receive_bytes` is what its kernel may hold unread, about."""
        address = (self.host, 0) if self.transport.name != "unix" else str(self.socket_path)
        self._listener = self.kept.enter_context(socket.create_server(address, family=self.family))
        if receive_bytes is not None:  # what it accepts inherits that
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)

    def start(self, *options: str) -> None:
        """Start it, for the socket that listens or a port without one. Raises Skip where it takes no such options."""
        name = self._listener.getsockname() if self._listener is not None else (self.host, free_port(self.host))
        port = 0 if self.transport.name == "unix" else name[1]
        command, payload = transports.client_command(self.scenario, self.transport, self.pairing, self.folder, port)
        self._run(command, options, payload)

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

    def accept(self, *, plain: bool = False, certificate: str = "server") -> Peer:
        """The client's next connection; over TLS after the handshake, unless it is to be left `plain`. Raises SSLError
        or ConnectionError where the client does not accept the certificate."""
        sock = self.kept.enter_context(self.accept_socket())
        if self.uses_tls and not plain:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.folder / f"{certificate}.pem")
            sock.settimeout(self.deadline.left())
            sock = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        return self._peer(sock, echoed=False)
