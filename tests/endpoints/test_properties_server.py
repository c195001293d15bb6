"""Any script of any peers, played against every server: each must do what the model of an echo says, and so all agree.

A script sends, reads a little, lets the server take turns, half-closes and resets, on several connections at once. The
kernel's buffers are small on both sides, so that writes are partial and both must wait for each other. Nothing is left
to chance but the pieces into which TCP cuts a stream.
"""

import contextlib
import json
import random
import select
import socket
from dataclasses import dataclass, field

import pytest
from conftest import APIS, installed_loops
from harness import DEADLINE_S, HOST, Endpoint, assert_quiet, examples, reset, round_trip
from hypothesis import given
from hypothesis import strategies as st

CONNECTIONS = 3
SMALL_BYTES = 16 * 1024
"""What the kernel is asked to buffer, of which it takes twice; less than one read, and than any water mark."""

MOST_BYTES = 300_000
"""What one step sends: more than a server holds of a peer that does not read."""

STUCK_ROUNDS = 4
"""So many turns of the server without room for another byte, and the rest of a message is sent later."""

SMALL_BUFFERS = f"""
import socket
listen = socket.socket.listen
def listen_small(self, *backlog):
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        self.setsockopt(socket.SOL_SOCKET, option, {SMALL_BYTES})
    return listen(self, *backlog)
socket.socket.listen = listen_small
"""
"""An accepted socket has the buffers of the one that listens."""

NOISE = random.Random(1).randbytes(1 << 20)


# --- Scripts ---


@dataclass(frozen=True)
class Send:
    """Send so many bytes, or as many as fit; the rest goes out before the end."""

    length: int


@dataclass(frozen=True)
class Read:
    """Read so many bytes, or all that must come back if that is less."""

    length: int


@dataclass(frozen=True)
class Pause:
    """Let the server take turns: a round trip on another connection."""


@dataclass(frozen=True)
class HalfClose:
    """Send EOF, once all is sent."""


@dataclass(frozen=True)
class Reset:
    """Leave with a reset."""


SIZES = st.one_of(st.integers(1, 100), st.integers(1, MOST_BYTES), st.sampled_from([65535, 65536, 65537, MOST_BYTES]))
STEPS = st.one_of(
    st.builds(Send, SIZES),
    st.builds(Read, SIZES),
    st.just(Pause()),
    st.just(HalfClose()),
    st.just(Reset()),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, CONNECTIONS - 1), STEPS), max_size=25)


# --- The model ---


@dataclass(frozen=True)
class Outcome:
    """What a peer sent, what of it came back, how it ended for the peer, and in the words of the server's log."""

    sent_bytes: int
    echo: str
    end: str
    endings: str


def expected(script):
    """What an echo server does, connection by connection."""
    outcomes = []
    for number in range(CONNECTIONS):
        sent, half_closed, left = 0, False, False
        for step in (step for whose, step in script if whose == number):
            match step:
                case Send(length) if not half_closed and not left:
                    sent += length
                case HalfClose() if not left:
                    half_closed = True
                case Reset():
                    left = True
        if not left:
            outcomes.append(Outcome(sent, "all of it", "EOF", "closing"))
        else:
            # After its EOF the reset may come too late to be heard of.
            endings = "closing or lost" if half_closed else "lost"
            outcomes.append(Outcome(sent, "a part", "reset", endings))
    return outcomes


# --- The peers ---


@dataclass
class Peer:
    """A raw socket that follows one connection's part of a script."""

    sock: socket.socket
    noise_from: int
    bystander: socket.socket
    queued: int = 0
    sent: int = 0
    received: bytearray = field(default_factory=bytearray)
    half_closed: bool = False
    left: bool = False

    def do(self, step):
        match step:
            case _ if self.left:
                return
            case Send(length) if not self.half_closed:
                self.queued += length
                self.send_what_fits()
            case Read(length):
                self.read(min(length, self.sent - len(self.received)))
            case Pause():
                assert round_trip(self.bystander)
            case HalfClose() if not self.half_closed:
                self.half_closed = True
                self.send_the_rest()
                self.sock.shutdown(socket.SHUT_WR)
            case Reset():
                self.left = True
                reset(self.sock)

    def send_what_fits(self):
        """Until the server makes no more room, though it has had its turns."""
        rounds = 0
        while self.sent < self.queued and rounds < STUCK_ROUNDS:
            if not self.send_some():
                assert round_trip(self.bystander)
                rounds += 1

    def send_some(self):
        piece = self.bytes_at(self.sent, self.queued)
        with contextlib.suppress(BlockingIOError):
            self.sent += self.sock.send(piece)
            return True
        return False

    def send_the_rest(self):
        """Send all of it, and read what comes back meanwhile: the server waits for that."""
        while self.sent < self.queued:
            readable, _, _ = select.select([self.sock], [self.sock], [], DEADLINE_S)
            if readable:
                self.read_some(1 << 16)
            self.send_some()

    def read(self, length):
        wanted = len(self.received) + length
        while len(self.received) < wanted:
            assert select.select([self.sock], [], [], DEADLINE_S)[0], "what was sent does not come back"
            assert self.read_some(wanted - len(self.received)), "EOF before all had come back"

    def read_some(self, most):
        data = self.sock.recv(most)
        self.received += data
        return data

    def finish(self):
        """Half-close, and read to the end."""
        self.do(HalfClose())
        self.read(self.sent - len(self.received))
        assert select.select([self.sock], [], [], DEADLINE_S)[0], "no EOF after the whole echo"
        self.received += self.sock.recv(1)
        self.sock.close()

    def bytes_at(self, start, end):
        start += self.noise_from
        return NOISE[start % len(NOISE) :][: min(end + self.noise_from - start, 1 << 16)]

    def sent_bytes(self):
        pieces = bytearray()
        while len(pieces) < self.sent:
            pieces += self.bytes_at(len(pieces), self.sent)
        return bytes(pieces)


def open_peer(port):
    sock = socket.socket()
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, SMALL_BYTES)
    sock.settimeout(DEADLINE_S)
    sock.connect((HOST, port))
    return sock


class Server:
    """A running server, with the one connection that lets it take its turns."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.port = endpoint.port()
        self.bystander = open_peer(self.port)
        self.seen = 0

    def play(self, script):
        """The outcome of each connection."""
        with contextlib.ExitStack() as stack:
            peers, names = [], []
            for number in range(CONNECTIONS):
                sock = stack.enter_context(contextlib.closing(open_peer(self.port)))
                names.append(f"echo_{HOST}_{sock.getsockname()[1]}")
                # Not before it is known by its name: the kernel tells nothing of a peer that is gone.
                self.record_of(names[-1], "accepted")
                sock.setblocking(False)
                peers.append(Peer(sock, number * 1001, self.bystander))
            for number, step in script:
                peers[number].do(step)
            for peer in peers:
                if not peer.left:
                    peer.finish()
            outcomes = [self.outcome(peer, name) for peer, name in zip(peers, names, strict=True)]
        assert round_trip(self.bystander)
        self.seen = len(self.endpoint.lines)
        return outcomes

    def outcome(self, peer, name):
        record = self.record_of(name, "closing", "lost")
        sent, received = peer.sent_bytes(), bytes(peer.received)
        assert sent.startswith(received), "other bytes came back than were sent"
        assert record["sent_bytes"] <= record["received_bytes"] <= len(sent)
        assert len(received) <= record["received_bytes"]
        if record["event"] == "closing" and not peer.left:
            assert (record["sent_bytes"], record["received_bytes"]) == (len(sent), len(sent))
        # A reset throws away what was queued, so only the script knows how much that was.
        return Outcome(
            peer.queued,
            "a part" if peer.left else "all of it" if received == sent and peer.sent == peer.queued else "not all",
            "reset" if peer.left else "EOF",
            "closing or lost" if peer.left and peer.half_closed else record["event"],
        )

    def record_of(self, name, *events):
        """The only record of these events that a connection has, once it is there."""
        self.endpoint.wait_for(rf'"logger": "{name}", .*"event": "({"|".join(events)})"', since=self.seen)
        records = map(json.loads, self.endpoint.lines[self.seen :])
        [found] = [record for record in records if record["logger"] == name and record["event"] in events]
        return found


@pytest.fixture(scope="module")
def servers():
    """Every server, each started once for all scripts. None may say a word that it should not."""
    with contextlib.ExitStack() as stack:
        running = {}
        for api in APIS:
            for loop in installed_loops():
                options = ("--port", "0", "--log-level", "info", "--log-format", "json")
                endpoint = stack.enter_context(Endpoint(api, "server", *options, loop=loop, before=SMALL_BUFFERS))
                running[f"{api}/{loop}"] = Server(endpoint)
        yield running
        for server in running.values():
            server.bystander.close()
            assert server.endpoint.stop() == 0
            assert_quiet(server.endpoint)
            assert {record["level"] for record in server.endpoint.records} <= {"debug", "info"}


@examples(30)
@given(SCRIPTS)
def test_every_server_does_with_any_script_what_the_model_says(servers, script):
    assert {name: server.play(script) for name, server in servers.items()} == dict.fromkeys(servers, expected(script))
