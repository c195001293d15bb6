"""Any server that keeps to no rule, against every client: each must end as the model says, and so all agree.

The server is a script on a raw socket: it takes what comes, gives some of it back, stops, alters, adds, half-closes or
resets, at any point. The clients run in this process, on the loop under test: they are coroutines, and a process for
each example would cost more than all the rest.
"""

import asyncio
import contextlib
import importlib
import itertools
import logging
import selectors
import socket
import threading
from dataclasses import dataclass

import pytest
from conftest import APIS, installed_loops
from fake_clock import run
from harness import DEADLINE_S, HOST, examples, one_shot_server, read_to_end, receive, reset
from hypothesis import example, given
from hypothesis import strategies as st

import common.client
from common.client import connect_all, connect_one
from common.config import ClientConfig
from common.connections import ConnectionLog
from common.exchange import Exchange
from common.loops import loop_factory
from common.sources import from_messages

SMALL_BYTES = 16 * 1024
TIMEOUT_S = 0.05
NOISE = bytes(range(251)) * 2000


# --- Scripts ---


@dataclass(frozen=True)
class Echo:
    """Take so many bytes, and give back what is due, in pieces of that size."""

    length: int
    piece: int


@dataclass(frozen=True)
class Take:
    """Take so many bytes, and give nothing back yet."""

    length: int


@dataclass(frozen=True)
class Script:
    """What the client sends, and what the server does until its last act, which is its name."""

    messages: tuple[int, ...]
    lockstep: bool
    steps: tuple[Echo | Take, ...]
    last: str

    @property
    def total(self):
        return sum(self.messages)

    @property
    def ends(self):
        """Where each message ends in the stream."""
        return list(itertools.accumulate(self.messages))

    @property
    def payloads(self):
        """No byte is like the one before it."""
        return tuple(NOISE[end - length : end] for end, length in zip(self.ends, self.messages, strict=True))


LASTS = ("finish", "half-close", "close", "reset", "alter", "extra", "silence")
SIZES = st.one_of(st.integers(1, 100), st.integers(1, 150_000), st.sampled_from([65535, 65536, 65537]))
STEPS = st.one_of(
    st.builds(Echo, SIZES, st.one_of(st.integers(1, 20), st.integers(1000, 100_000))),
    st.builds(Take, SIZES),
)
SCRIPTS = st.builds(
    Script,
    st.lists(SIZES, max_size=3).map(tuple),
    st.booleans(),
    st.lists(STEPS, max_size=5).map(tuple),
    st.sampled_from(LASTS),
)


# --- The model ---


def moves(script):
    """Step by step, how much the server has taken, and how much it has given back.

    In lockstep nothing comes while an echo is due, so it takes no more than that message.
    """
    taken = given_back = 0
    for step in script.steps:
        reach = next((end for end in script.ends if end > given_back), script.total)
        taken = min(taken + step.length, reach if script.lockstep else script.total)
        if isinstance(step, Echo):
            given_back = taken
        yield taken, given_back


def expected(script):
    """The exit codes, the reasons and the numbers of bytes that are right; several where the network may decide."""
    taken, given_back = [(0, 0), *moves(script)][-1]
    whole = given_back == script.total
    success = (0, "", script.total)
    up_to = range(given_back + 1)
    match script.last:
        case "finish":
            return [success]
        case "half-close":
            return [success] if whole else [(1, "ended early", given_back)]
        case "silence":
            # With the whole echo back it waits for the server's EOF, and nothing is wrong when that does not come.
            return [(1, f"timed out after {TIMEOUT_S} s", n) for n in up_to] + [success] * whole
        case "close" if taken == script.total:
            return [success] if whole else [(1, "ended early", given_back)]
        case "close":
            # Something may be unread, and the kernel then resets.
            return [(1, reason, n) for reason in ("ended early", "connection reset") for n in up_to]
        case "reset":
            # Streams drops what it has received and not handed out yet.
            return [(1, "connection reset", n) for n in up_to] + [success] * whole
        case "alter" if taken > given_back:
            return [(1, f"altered at byte {given_back}", given_back)]
        case "alter" | "extra" if whole:
            return [(1, f"extra bytes from byte {given_back} on", given_back)]
        case "alter" | "extra":
            # What is not due yet may be on its way all the same.
            reasons = (f"altered at byte {given_back}", f"extra bytes from byte {given_back} on")
            return [(1, reason, given_back) for reason in reasons]
    raise AssertionError(script.last)


# --- The server ---


def play(script, sock, over):
    """Do it all; `over` is set when the client has ended."""
    with contextlib.ExitStack() as tolerance:
        if script.last == "silence":  # its time-out may come at any point on a busy machine
            tolerance.enter_context(contextlib.suppress(OSError, AssertionError))
        play_steps(script, sock, over)


def play_steps(script, sock, over):
    taken, given_back, sent = 0, 0, b"".join(script.payloads)
    for step, (then_taken, then_given_back) in zip(script.steps, moves(script), strict=True):
        assert receive(sock, then_taken - taken) == sent[taken:then_taken]
        for start in range(given_back, then_given_back, getattr(step, "piece", 1)):
            sock.sendall(sent[start : min(start + step.piece, then_given_back)])
        taken, given_back = then_taken, then_given_back
    match script.last:
        case "finish":
            finish(sock, sent, given_back, taken)
        case "half-close":
            sock.shutdown(socket.SHUT_WR)
            read_until_gone(sock)
        case "close":
            pass
        case "reset":
            reset(sock)
        case "alter" | "extra":
            wrong = sent[given_back:taken][:1] if script.last == "alter" else b""
            sock.sendall(bytes([255 - wrong[0]]) if wrong else b"\xff")
            read_until_gone(sock)
        case "silence":
            over.wait(DEADLINE_S)


def finish(sock, sent, given_back, taken):
    """Echo to the client's EOF."""
    sock.sendall(sent[given_back:taken])
    while data := sock.recv(1 << 16):
        sock.sendall(data)


def read_until_gone(sock):
    with contextlib.suppress(ConnectionError):
        read_to_end(sock)


# --- The clients ---


class SmallBuffers(ConnectionLog):
    """A connection whose kernel buffers are small."""

    def opened(self, transport):
        sock = transport.get_extra_info("socket")
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            with contextlib.suppress(OSError):  # it was reset a moment ago
                sock.setsockopt(socket.SOL_SOCKET, option, SMALL_BYTES)
        super().opened(transport)


class Told(logging.Handler):
    """Keeps what clients tell, and what asyncio complains of."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture(scope="module")
def told():
    """What the clients of this module tell."""
    handler, logger, of_asyncio = Told(), logging.getLogger("endpoint"), logging.getLogger("asyncio")
    level, logger.propagate = logger.level, False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    of_asyncio.addHandler(handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common.client, "log_class", lambda: SmallBuffers)
        yield handler
    of_asyncio.removeHandler(handler)
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = True


def outcome(api, loop, script, told):
    """How one client ends: its exit code, the reason that it tells, and how much came back."""
    echo_client = importlib.import_module(f"{api}_impl.client").echo_client
    told.records.clear()
    over = threading.Event()
    with one_shot_server(lambda sock: play(script, sock, over)) as port:
        config = ClientConfig(
            host=HOST,
            port=port,
            messages=script.payloads,
            lockstep=script.lockstep,
            timeout_s=TIMEOUT_S if script.last == "silence" else 60.0,
        )
        try:
            with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
                code = runner.run(connect_all(config, echo_client, {}))
        finally:
            over.set()
    return ending(code, script, config, told)


def ending(code, script, config, told):
    """The same, from what the client has told."""
    assert [record.getMessage() for record in told.records if record.name == "asyncio"] == []
    endings = [record for record in told.records if record.event in ("closing", "lost", "failed")]
    assert len(endings) == 1, endings
    if code == 0:
        assert endings[0].event in ("closing", "lost")
        assert endings[0].fields["received_bytes"] == script.total
        return 0, "", script.total
    text = endings[0].getMessage().removeprefix("ERROR ").removesuffix(f" bytes came back from {config.address}")
    reason, _, came_back = text.rpartition(": ")
    assert came_back.endswith(f" of {script.total}")
    return code, reason, int(came_back.split()[0])


@examples(40)
@example(Script((9,), False, (Echo(9, 9),), "silence"))
@given(SCRIPTS)
def test_every_client_ends_with_any_server_as_the_model_says(told, script):
    allowed = expected(script)
    outcomes = {f"{api}/{loop}": outcome(api, loop, script, told) for api in APIS for loop in installed_loops()}
    assert [name for name, found in outcomes.items() if found not in allowed] == [], (outcomes, allowed)


# --- What the scripts have found ---


class Watched(SmallBuffers):
    """The connection of the client, whose transport a test looks at."""

    transport = None
    waits = False

    def opened(self, transport):
        super().opened(transport)
        self.transport = transport

    def tell(self, event, *fields, **values):
        super().tell(event, *fields, **values)
        self.waits = self.waits or event == "waiting"


def test_a_server_that_closes_with_the_last_byte_has_echoed_it_all():
    """Also where the client has not looked yet whether there is more to send."""

    async def not_looked():
        assert await exchange.next_chunk() == b"all"
        return exchange.check(b"all") and exchange.complete

    exchange = Exchange(from_messages([b"all"]), window_bytes=100, total_bytes=3)
    assert run(not_looked())
    assert Exchange(from_messages([]), window_bytes=100, total_bytes=0).complete


class ClosingServer(selectors.DefaultSelector):
    """A selector that plays the server: between the news that the client may send the rest, and its sending, it takes
    what the kernel has and closes. What the client then sends is answered with a reset before it can half-close."""

    def __init__(self, listener, total):
        super().__init__()
        self.listener, self.total = listener, total
        self.client = None

    def select(self, timeout=None):
        unsent = self.client.transport.get_write_buffer_size() if self.client and self.client.waits else 0
        if not unsent:
            return super().select(timeout)
        sock, _ = self.listener.accept()
        with sock:
            receive(sock, self.total - unsent)
            self.client.waits = False  # once
            return super().select(timeout)


def test_a_half_close_that_comes_too_late_is_no_defect_of_the_program(api, told, monkeypatch):
    """asyncio does it in a callback, where nobody catches what it raises. uvloop leaves it to the kernel."""
    echo_client = importlib.import_module(f"{api}_impl.client").echo_client
    script = Script((60_000,), False, (), "close")
    told.records.clear()
    with socket.create_server((HOST, 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        config = ClientConfig(host=HOST, port=listener.getsockname()[1], messages=script.payloads)
        server = ClosingServer(listener, script.total)

        def watched(name):
            server.client = Watched(name)
            return server.client

        monkeypatch.setattr(common.client, "log_class", lambda: watched)
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(server)) as runner:
            code = runner.run(connect_all(config, echo_client, {}))
    assert ending(code, script, config, told) in expected(script)


def test_a_source_is_closed_once_its_exchange_is_over_also_amid_it():
    closed = []

    async def endless():
        try:
            while True:
                yield b"more"
        finally:
            closed.append("source")

    async def breaks(config, exchange, log, tls):
        await exchange.next_chunk()
        raise ConnectionResetError

    async def main():
        assert not await connect_one(ClientConfig(), breaks, {}, "echo_client", endless())
        assert closed == ["source"]

    asyncio.run(main())
