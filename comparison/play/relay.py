"""Between a client and a server of which one says nothing: passes on what either sends, and tells it in its place."""

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from functools import partial

from common.config import BACKLOG
from common.logs import SHOWN_BYTES, show_cut
from comparison.model import OTHER, SIDES, Event, Payload, Side
from comparison.play.peers import CHUNK_BYTES, reset_at_close
from comparison.play.processes import AWAKE_S
from comparison.play.workers import in_a_thread
from comparison.transcript import NOTHING
from comparison.vocabulary import SENT_EOF, WAS_RESET

LOOK_S = 0.02  # how often it is looked whether all is over
END_S = 5.0  # for the end of a connection to come once the client has ended
KEPT_PIECES = 200  # of a connection that are written down one by one; of the others, that there were more bytes

EARLY = "sent EOF before the client had"
RESET = "reset the connection"
OPEN = f"did not end the connection in {END_S:g} s"
"""How else a side ends a connection."""


class _Connection:
    """What passed on one connection until all is `over`; a direction is named by who sends."""

    def __init__(self, speaker: str, local: tuple[str, int], over: threading.Event) -> None:
        self._speakers: dict[Side, str] = {"client": speaker, "server": f"echo_{local[0]}_{local[1]}"}
        self._local = list(local)
        self._began_ns = self._last_ns = time.monotonic_ns()
        self._pieces: list[tuple[int, Side, Payload]] = []
        self._rests: dict[Side, Payload] = {}
        self._digests = {side: hashlib.blake2b(digest_size=16) for side in SIDES}
        self._ends: dict[Side, str] = {}
        self._over = over
        self._lock = threading.Lock()

    def passed(self, sender: Side, data: bytes) -> None:
        """One side has sent this, and the other has it not yet."""
        with self._lock:
            self._last_ns = time.monotonic_ns()
            self._digests[sender].update(data)
            rest = self._rests.get(sender, NOTHING)
            payload = Payload(rest.shown or data[:SHOWN_BYTES], rest.length + len(data))
            if len(self._pieces) < KEPT_PIECES:
                self._pieces.append((self._last_ns, sender, payload))
            else:
                self._rests[sender] = payload

    def ended(self, side: Side, end: str) -> None:
        """How a side has ended it: once, but for a reset after an EOF. When all is over it is our own doing."""
        with self._lock:
            if self._over.is_set():
                return
            self._last_ns = time.monotonic_ns()
            if end == SENT_EOF and side == "server" and "client" not in self._ends:
                end = EARLY
            if side not in self._ends or (end == RESET and self._ends[side] == SENT_EOF):
                self._ends[side] = end
            if end == RESET:
                self._ends.setdefault(OTHER[side], WAS_RESET)

    def events(self, side: Side) -> Iterator[Event]:
        """What has passed when all is over, as a side would tell it: how it has ended, with the totals and a digest of
        each direction, comes last."""
        told = partial(Event, speaker=self._speakers[side], level="info")
        began, sent = ("connecting", "sending") if side == "client" else ("accepted", "sent")
        yield told(began, message=began, t_ns=self._began_ns, fields={"local": self._local})
        pieces = [*self._pieces, *((self._last_ns, *rest) for rest in self._rests.items())]
        for t_ns, sender, payload in pieces:
            name, shown = sent if sender == side else "received", show_cut(payload.shown, payload.length)
            length = {"length": payload.length}
            yield told(name, message=f"{name} {shown}", t_ns=t_ns, payload=payload, fields=length)
        ends = {side: self._ends.get(side, OPEN) for side in SIDES}
        fields: dict[str, object] = {"ends": ends}
        for name, sender in (("sent", side), ("received", OTHER[side])):
            fields[f"{name}_bytes"] = sum(payload.length for _, one, payload in pieces if one == sender)
            fields[f"{name}_digest"] = self._digests[sender].hexdigest()
        who = side if ends[side] != WAS_RESET else OTHER[side]
        lost = "lost", f"connection lost: the {who} {ends[who]}"
        name, message = ("closing", "closing") if ends[side] == SENT_EOF else lost
        yield told(name, message=message, t_ns=self._last_ns, fields=fields)


class Relay(contextlib.AbstractContextManager["Relay"]):
    """Listens on a `port` of its own, and connects each client to the server's. At the end of the `with` block it waits
    a little for connections that have not ended; then everything is over."""

    def __init__(self, host: str, server: tuple[str, int], deadline_s: float) -> None:
        self._connections: list[_Connection] = []
        self._served: list[Future[None]] = []
        self._sockets: list[socket.socket] = []
        self._closing, self._over = threading.Event(), threading.Event()
        self._connect_to_server = partial(socket.create_connection, server, deadline_s)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=BACKLOG)
        self._listener.settimeout(LOOK_S)
        self.port: int = self._listener.getsockname()[1]
        self._accepted = in_a_thread(self._accept, self._closing)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing.set()
        self._accepted.result()
        wait(self._served, END_S if kind is None else 0)
        self._over.set()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for one in self._served:
            one.result()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def events(self) -> dict[Side, tuple[Event, ...]]:
        """What has passed when all is over, as either side would tell it; empty where there was no connection."""
        sides = SIDES if self._connections else ()
        return {side: tuple(event for one in self._connections for event in one.events(side)) for side in sides}

    def _accept(self, closing: threading.Event) -> None:
        over = False
        while not over:
            over = closing.is_set()  # looked at before: who had connected by then is served
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                speaker = f"echo_client_{len(self._served) + 1}".removesuffix("_1")
                self._served.append(in_a_thread(partial(self._connect, client), speaker))
                over = False

    def _connect(self, client: socket.socket, speaker: str) -> None:
        self._sockets.append(client)
        try:
            server = self._connect_to_server()
        except OSError:
            _reset(client)
            return
        self._sockets.append(server)
        for sock in (client, server):
            sock.settimeout(AWAKE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # both ends have it: nothing waits here either
        connection = _Connection(speaker, server.getsockname()[:2], self._over)
        self._connections.append(connection)
        back = in_a_thread(partial(_pass_on, connection, "server", server), client)
        _pass_on(connection, "client", client, server)
        back.result()


def _pass_on(connection: _Connection, sender: Side, source: socket.socket, target: socket.socket) -> None:
    """Everything that one side sends, until its end: an EOF as an EOF, and an error as a reset."""
    while True:
        failing, hearing = sender, target
        try:
            if data := source.recv(CHUNK_BYTES):
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
