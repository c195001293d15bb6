"""Between a client and a server of which one says nothing: passes on what either sends, an EOF as an EOF and an error
as a reset, and writes it all down: how many bytes and which, there and back, and how each side has ended it."""

import contextlib
import hashlib
import socket
import threading
import time
from functools import partial

from common.config import BACKLOG
from common.logs import SHOWN_BYTES, show_cut
from comparison.model import OTHER, SIDES, Event, Payload, Side
from comparison.play.peers import CHUNK_BYTES, Notebook, reset_at_close
from comparison.play.processes import AWAKE_S
from comparison.transcript import NOTHING, parse
from comparison.vocabulary import SENT_EOF, WAS_RESET

MIRRORED = {"connecting": "accepted", "sending": "received", "received": "sent"}  # of a client, and of its server

LOOK_S = 0.02  # how often it is looked whether all is over
END_S = 5.0  # for the end of a connection to come once the client has ended
KEPT_PIECES = 200  # of a connection that are written down one by one; of the others, that there were more bytes

EARLY = "sent EOF before the client had"
RESET = "reset the connection"
OPEN = f"did not end the connection in {END_S:g} s"
"""How else a side ends a connection."""


class _Connection:
    """What passed on one connection, as its client and its server would tell it; a direction is named by who sends."""

    def __init__(self, speaker: str, local: tuple[str, int]) -> None:
        self.notebooks = {side: Notebook() for side in SIDES}
        self._speakers: dict[Side, str] = {"client": speaker, "server": f"echo_{local[0]}_{local[1]}"}
        self._lengths = dict.fromkeys(SIDES, 0)
        self._digests = {side: hashlib.blake2b(digest_size=16) for side in SIDES}
        self._rests = dict.fromkeys(SIDES, NOTHING)  # of what passed: nothing of it is written down yet
        self._pieces = 0
        self._ends: dict[Side, str] = {}
        self._is_over = False
        self._lock = threading.Lock()
        self._tell("connecting", local=local)

    def passed(self, sender: Side, data: bytes) -> None:
        """One side has sent this, and the other has it not yet."""
        with self._lock:
            self._digests[sender].update(data)
            self._lengths[sender] += len(data)
            rest = self._rests[sender]
            self._rests[sender] = Payload(rest.shown or data[:SHOWN_BYTES], rest.length + len(data))
            self._pieces += 1
            if self._pieces <= KEPT_PIECES:
                self._tell_rest()

    def ended(self, side: Side, end: str) -> None:
        """How a side has ended it: once, but for a reset after an EOF."""
        with self._lock:
            if self._is_over:
                return
            if end == SENT_EOF and side == "server" and "client" not in self._ends:
                end = EARLY
            if side not in self._ends or (end == RESET and self._ends[side] == SENT_EOF):
                self._ends[side] = end
            if end == RESET:
                self._ends.setdefault(OTHER[side], WAS_RESET)

    def over(self) -> None:
        """Nobody waits any longer: what happens from now on is our own doing."""
        with self._lock:
            self._is_over = True
            self._ends = {side: self._ends.get(side, OPEN) for side in SIDES}

    def tell_end(self) -> None:
        """Write down how it has ended, with the totals and a digest of each direction."""
        self._tell_rest()
        self.over()  # it may have come to be when nobody waited any longer
        fields: dict[str, object] = {"ends": self._ends, "t_ns": time.monotonic_ns()}
        for side, speaker in self._speakers.items():
            for name, sender in (("sent", side), ("received", OTHER[side])):
                fields[f"{name}_bytes"] = self._lengths[sender]
                fields[f"{name}_digest"] = self._digests[sender].hexdigest()
            who = side if self._ends[side] != WAS_RESET else OTHER[side]
            lost = "lost", f"connection lost: the {who} {self._ends[who]}"
            event, message = ("closing", "closing") if self._ends[side] == SENT_EOF else lost
            self.notebooks[side].tell(speaker, event, message, **fields)

    def _tell_rest(self) -> None:
        for sender, rest in self._rests.items():
            if rest.length:
                event = "sending" if sender == "client" else "received"
                self._tell(event, f" {show_cut(rest.shown, rest.length)}", length=rest.length)
        self._rests = dict.fromkeys(SIDES, NOTHING)

    def _tell(self, event: str, what: str = "", **fields: object) -> None:
        fields["t_ns"] = time.monotonic_ns()
        for side, speaker in self._speakers.items():
            name = event if side == "client" else MIRRORED[event]
            self.notebooks[side].tell(speaker, name, name + what, **fields)


class Relay(contextlib.AbstractContextManager["Relay"]):
    """Listens on a `port` of its own, and connects each client to the server's. At the end of the `with` block it waits
    a little for connections that have not ended; then everything is over."""

    def __init__(self, host: str, server: tuple[str, int], deadline_s: float) -> None:
        self._connections: list[_Connection] = []
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._closing = False
        self._connect_to_server = partial(socket.create_connection, server, deadline_s)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=BACKLOG)
        self._listener.settimeout(LOOK_S)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing = True
        self._acceptor.join()
        end_s = time.monotonic() + (END_S if kind is None else 0)
        for thread in self._threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        for connection in self._connections:
            connection.over()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()
        for connection in self._connections:
            connection.tell_end()

    def events(self) -> dict[Side, tuple[Event, ...]]:
        """What has passed when all is over, as either side would tell it; empty where there was no connection."""
        told = {side: [line for one in self._connections for line in one.notebooks[side].lines] for side in SIDES}
        return {side: parse(lines) for side, lines in told.items() if lines}

    def _accept(self) -> None:
        over = False
        while not over:
            over = self._closing  # looked at before: who had connected by then is served
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                speaker = f"echo_client_{len(self._threads) + 1}".removesuffix("_1")
                thread = threading.Thread(target=self._connect, args=(client, speaker), daemon=True)
                self._threads.append(thread)
                thread.start()
                over = False

    def _connect(self, client: socket.socket, speaker: str) -> None:
        self._sockets.append(client)
        try:
            server = self._connect_to_server()
        except OSError:
            _reset(client)
            return
        self._sockets.append(server)
        client.settimeout(AWAKE_S)
        server.settimeout(AWAKE_S)
        connection = _Connection(speaker, server.getsockname()[:2])
        self._connections.append(connection)
        back = threading.Thread(target=_pass_on, args=(connection, "server", server, client), daemon=True)
        back.start()
        _pass_on(connection, "client", client, server)
        back.join()


def _pass_on(connection: _Connection, sender: Side, source: socket.socket, target: socket.socket) -> None:
    """Everything that one side sends, until its end."""
    while True:
        failing, hearing = sender, target
        try:
            data = source.recv(CHUNK_BYTES)
            if data:
                connection.passed(sender, data)
            else:
                connection.ended(sender, SENT_EOF)
            failing, hearing = OTHER[sender], source
            _send_all(target, data)
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
        except TimeoutError:
            continue
        except OSError:
            connection.ended(failing, RESET)
            _reset(hearing)
            return


def _send_all(sock: socket.socket, data: bytes) -> None:
    """Not sendall(): who waits in that for room never hears that another thread has closed the socket."""
    left = memoryview(data)
    while left:
        with contextlib.suppress(TimeoutError):
            left = left[sock.send(left) :]


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        reset_at_close(sock)
        sock.shutdown(socket.SHUT_RD)  # wakes the thread that reads it: only then close() really closes
    sock.close()
