"""Between a client and a server of which one says nothing: passes on what either sends, and writes it down.

It passes on an EOF as an EOF, and the end of a connection in an error as a reset.
"""

import contextlib
import dataclasses
import itertools
import json
import socket
import threading
import time
from collections.abc import Sequence

from common.logs import show
from comparison.model import Event, Side
from comparison.peers import CHUNK_BYTES, reset_at_close
from comparison.projection import told_speaker
from comparison.transcript import parse

MIRRORED = {"connecting": "accepted", "sending": "received", "received": "sent"}
"""What a client sends the server receives, and what a client receives the server has sent."""

LOOK_S = 0.05
"""How often it is looked whether all is over."""


class Relay:
    """Listens on a `port` of its own, and connects each client to the server. Everything is over when the `with`
    block ends."""

    def __init__(self, host: str, server: tuple[str, int], deadline_s: float) -> None:
        self._host = host
        self._server = server
        self._deadline_s = deadline_s
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._closing = False

    def __enter__(self) -> "Relay":
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, 0), family=family)
        self._listener.settimeout(LOOK_S)
        self.port: int = self._listener.getsockname()[1]
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def events(self) -> tuple[Event, ...]:
        """What passed so far, as a client would tell it."""
        with self._lock:
            return parse(self._lines)

    def _accept(self) -> None:
        speaker = "echo_client"
        for number in itertools.count(2):
            while not self._closing:
                with contextlib.suppress(TimeoutError):
                    client, _ = self._listener.accept()
                    break
            if self._closing:
                return
            self._run(self._connect, client, speaker)
            speaker = f"echo_client_{number}"

    def _connect(self, client: socket.socket, speaker: str) -> None:
        self._sockets.append(client)
        try:
            server = socket.create_connection(self._server, self._deadline_s)
        except OSError:
            _reset(client)
            return
        self._sockets.append(server)
        self._tell(speaker, "connecting", "connecting", local=server.getsockname()[:2])
        back = self._run(self._pass_on, server, client, speaker, "received")
        clean = self._pass_on(client, server, speaker, "sending")
        back.join()
        self._tell(speaker, "closing" if clean else "lost", "closing" if clean else "connection lost")

    def _pass_on(self, source: socket.socket, target: socket.socket, speaker: str, event: str) -> bool:
        """Everything that one side sends, until its EOF. False where it ended in an error."""
        try:
            source.settimeout(self._deadline_s)
            while data := source.recv(CHUNK_BYTES):
                self._tell(speaker, event, f"{event} {show(data)}", length=len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(target)
            return False
        return True

    def _tell(self, speaker: str, event: str, message: str, **fields: object) -> None:
        record = {"t_ns": time.monotonic_ns(), "logger": speaker, "level": "info", "event": event, "message": message}
        with self._lock:
            self._lines.append(json.dumps(record | fields))

    def _run(self, target: object, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread


def seen_by(side: Side, wire: Sequence[Event]) -> tuple[Event, ...]:
    """What passed on the wire as one of the two sides would tell it."""
    if side == "client":
        return tuple(wire)
    names = {event.speaker: told_speaker([event]) for event in wire if event.name == "connecting"}
    return tuple(
        dataclasses.replace(
            event,
            name=MIRRORED.get(event.name, event.name),
            speaker=names[event.speaker],
            message=event.message.replace(event.name, MIRRORED.get(event.name, event.name), 1),
        )
        for event in wire
    )


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        reset_at_close(sock)
        sock.shutdown(socket.SHUT_RD)  # wakes the thread that reads it: only then close() really closes
    sock.close()
