"""The server's set of connections and each one's account, with a transport that only notes what is done to it, and a
clock that is set by hand."""

import asyncio
import hashlib
import json
import logging

import pytest
from fake_clock import run

from common import logs
from common.connections import ChunkLog, ConnectionLog, log_class
from common.live import LiveConnections
from common.logs import JSONFormatter


class FakeTransport(asyncio.Transport):
    """A transport that counts how often it was aborted."""

    def __init__(self, peer: object = ("127.0.0.1", 50000), local: object = ("127.0.0.1", 10000)) -> None:
        super().__init__({"peername": peer, "sockname": local})
        self.unsent_bytes = 0
        self.aborted = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def abort(self) -> None:
        self.aborted += 1


class ClosedTransport(FakeTransport):
    """asyncio's own, after a close() that had something to flush and has just done so."""

    def abort(self) -> None:
        raise AttributeError("'NoneType' object has no attribute 'call_soon'")


class Clock:
    """A clock that is set by hand."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def set_level(caplog, monkeypatch):
    """Log from a level on, as `configure` has a program do."""

    def set_level(level: int) -> None:
        caplog.set_level(level)
        monkeypatch.setattr(logs, "_shown", {event for event, line in logs.EVENTS.items() if line.level >= level})

    return set_level


@pytest.fixture(autouse=True)
def debug(set_level):
    """Everything is logged, as it is by default."""
    set_level(logging.DEBUG)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(caplog):
    """What connections have said so far, as (speaker, message)."""
    return lambda: [(record.name, record.getMessage()) for record in caplog.records if record.name != "asyncio"]


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        (("127.0.0.1", 50000), "echo_127.0.0.1_50000"),
        (("::1", 50000, 0, 0), "echo_::1_50000"),
        ("", "echo_unix_1"),
        ("/tmp/client.sock", "echo_unix_1"),
        (b"\0abstract", "echo_unix_1"),
        (None, "echo_unknown_1"),
    ],
)
def test_a_connection_is_named_after_its_peer(peer, name, clock, log):
    LiveConnections(clock=clock).add(FakeTransport(peer))
    assert log() == [(name, "connection accepted")]


def test_peers_without_an_address_are_counted(clock, log):
    live = LiveConnections(clock=clock)
    for peer in ("", "", ("127.0.0.1", 1), ""):
        live.add(FakeTransport(peer))
    assert [name for name, _ in log()] == ["echo_unix_1", "echo_unix_2", "echo_127.0.0.1_1", "echo_unix_3"]


def test_beyond_the_limit_a_connection_is_refused_until_another_has_ended(clock, log):
    live = LiveConnections(limit=1, clock=clock)
    transports = [FakeTransport(("h", number)) for number in range(5)]
    for transport in transports[:3]:
        live.add(transport)
    assert len(live) == 3  # the API has not reported the end of the refused ones yet
    live.discard(transports[0])
    live.add(transports[3])  # so they must not count
    live.discard(transports[1])
    live.add(transports[4])
    refusal = "connection refused: limit of 1 connections reached"
    assert log() == [
        ("echo_h_0", "connection accepted"),
        ("echo_h_1", refusal),
        ("echo_h_2", refusal),
        ("echo_h_3", "connection accepted"),
        ("echo_h_4", refusal),
    ]
    assert [transport.aborted for transport in transports] == [0, 1, 1, 0, 1]


def test_a_refused_connection_says_nothing_more_when_it_ends(clock, log):
    live = LiveConnections(limit=0, clock=clock)
    transport = FakeTransport()
    live.add(transport).ended(ConnectionAbortedError())
    live.discard(transport)
    assert [message for _, message in log()] == ["connection refused: limit of 0 connections reached"]


def test_idle_is_a_connection_on_which_nothing_moves_in_either_direction(clock, log):
    live = LiveConnections(idle_timeout_s=10.0, clock=clock)
    kinds = ("silent", "sends", "reads", "never reads")
    transports = {kind: FakeTransport((kind, 1)) for kind in kinds}
    logs = {kind: live.add(transport) for kind, transport in transports.items()}
    transports["reads"].unsent_bytes = transports["never reads"].unsent_bytes = 100_000
    live.cut_idle()

    def aborted():
        return {kind for kind, transport in transports.items() if transport.aborted}

    for clock.now_s in (1004.0, 1008.0, 1009.9):
        logs["sends"].received(b"x")
        transports["reads"].unsent_bytes -= 1
        live.cut_idle()
        assert aborted() == set()
    clock.now_s = 1010.0
    live.cut_idle()
    assert aborted() == {"silent", "never reads"}
    clock.now_s = 1019.9
    live.cut_idle()
    assert aborted() == {"silent", "sends", "reads", "never reads"}
    cuts = [name for name, message in log() if message == "nothing moved for 10 s, cutting the connection"]
    assert cuts == ["echo_silent_1", "echo_never reads_1", "echo_sends_1", "echo_reads_1"]


@pytest.mark.parametrize("limit_s", [0.4, 60.0])
def test_the_idle_watch_cuts_soon_after_the_limit(limit_s):
    async def watch():
        loop = asyncio.get_running_loop()
        live, transport = LiveConnections(idle_timeout_s=limit_s), FakeTransport()
        watching = asyncio.create_task(live.watch_idle())
        await asyncio.wait([watching], timeout=0.3 * limit_s)
        live.add(transport)
        opened_s = loop.time()
        while not transport.aborted:
            await asyncio.wait([watching], timeout=limit_s / 100)
        watching.cancel()
        return loop.time() - opened_s

    assert limit_s <= run(watch()) <= 1.3 * limit_s


def test_with_the_shortest_of_limits_the_watch_still_sleeps():
    async def watch():
        live, looks = LiveConnections(idle_timeout_s=5e-324), []
        live.cut_idle = lambda: looks.append(asyncio.get_running_loop().time())
        await asyncio.wait([asyncio.create_task(live.watch_idle())], timeout=1.0)
        return looks

    assert 50 <= len(run(watch())) <= 100


def test_without_an_idle_limit_there_is_nothing_to_watch(clock):
    live, transport = LiveConnections(clock=clock), FakeTransport()
    live.add(transport)
    clock.now_s += 1e9
    live.cut_idle()
    assert run(live.watch_idle()) is None
    assert transport.aborted == 0


@pytest.mark.parametrize("transport_class", [FakeTransport, ClosedTransport])
def test_cutting_all_ends_each_connection_once_and_the_wait_is_over_when_the_last_is_gone(transport_class, log):
    async def shut_down():
        live = LiveConnections()
        transports = [transport_class(("h", 1)), FakeTransport(("h", 2))]
        logs = [live.add(transport) for transport in transports]
        waiting = asyncio.create_task(live.wait_until_none())
        for transport, log in zip(transports, logs, strict=True):
            live.cut_all()
            await asyncio.sleep(0)
            assert not waiting.done()
            log.ended(ConnectionAbortedError())
            live.discard(transport)
            live.discard(transport)
        await waiting
        await live.wait_until_none()
        return transports[1].aborted, len(live)

    assert run(shut_down()) == (2, 0)
    cut = "still open at shutdown, cutting the connection"
    accepted = "connection accepted"
    assert log() == [("echo_h_1", accepted), ("echo_h_2", accepted), ("echo_h_1", cut), ("echo_h_2", cut)]


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_a_cut_names_its_peer_and_both_addresses_whatever_was_told_before(level, clock, caplog, set_level):
    set_level(level)
    live = LiveConnections(clock=clock)
    live.add(FakeTransport(("::1", 50000, 0, 0), ("::1", 10000, 0, 0)))
    live.cut_all()
    record = caplog.records[-1]
    assert (record.name, record.event) == ("echo_::1_50000", "cut")
    assert record.fields == {"received_bytes": 0, "sent_bytes": 0, "local": ["::1", 10000], "peer": ["::1", 50000]}


def test_a_connection_of_which_nothing_is_told_is_not_asked_for_its_addresses(clock, caplog, set_level):
    class Silent(FakeTransport):
        def get_extra_info(self, name, default=None):
            raise AssertionError(f"asked for {name}")

    set_level(logging.WARNING)
    live, transport = LiveConnections(limit=1, clock=clock), Silent()
    log = live.add(transport)
    log.received(b"x")
    log.sent(b"x")
    log.tell("eof")
    log.ended()
    live.discard(transport)
    assert caplog.records == []


@pytest.mark.parametrize("inherited", [True, False])
def test_where_the_kernel_hands_down_no_keep_alive_each_connection_is_told(inherited, clock, monkeypatch):
    told = []
    monkeypatch.setattr("common.live.KEEP_ALIVE_IS_INHERITED", inherited)
    monkeypatch.setattr("common.live.keep_alive", told.append)
    transport = FakeTransport()
    LiveConnections(clock=clock).add(transport)
    assert told == ([] if inherited else [transport])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ["closing"]),
        (ConnectionResetError(), ["connection lost: ConnectionResetError"]),
        (ZeroDivisionError(), []),  # a defect of the program: the loop shows its traceback
    ],
)
def test_how_a_connection_ended_is_told_in_one_line(error, told, log):
    connection = ConnectionLog()
    connection.ended(error)
    if told:
        connection.ended(BrokenPipeError())
        connection.tell_ending("cut")
    assert [message for _, message in log()] == told


def test_the_account_at_the_end_holds_totals_digests_and_both_addresses(caplog):
    local, peer = ("::1", 10000, 0, 0), ("::1", 50000, 0, 0)
    connection = ChunkLog()
    connection.opened(FakeTransport(peer, local))
    for data in (b"This is ", b"the message."):
        connection.received(data)
    connection.sent(b"This is the")
    connection.ended()

    def digest(data):
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    shown = [(record.getMessage(), record.fields) for record in caplog.records]
    assert shown == [
        ("received b'This is '", {"offset": 0, "length": 8}),
        ("received b'the message.'", {"offset": 8, "length": 12}),
        ("sent b'This is the'", {"offset": 0, "length": 11}),
        (
            "closing",
            {
                "received_bytes": 20,
                "sent_bytes": 11,
                "received_digest": digest(b"This is the message."),
                "sent_digest": digest(b"This is the"),
                "local": ["::1", 10000],
                "peer": ["::1", 50000],
            },
        ),
    ]


def test_a_client_counts_what_it_sends(log):
    connection = ChunkLog()
    connection.sending(b"one")
    connection.sending(b"two")
    digest = hashlib.blake2b(b"onetwo", digest_size=16).hexdigest()
    assert connection.account() | {"sent_bytes": 6, "sent_digest": digest} == connection.account()
    assert [message for _, message in log()] == ["sending b'one'", "sending b'two'"]


def test_above_debug_chunks_are_counted_and_neither_logged_nor_digested(set_level, log):
    set_level(logging.INFO)
    connection = log_class()()
    connection.received(b"one")
    connection.sent(b"on")
    connection.sending(b"e")
    assert connection.account() == {"received_bytes": 3, "sent_bytes": 3}
    assert log() == []
    set_level(logging.DEBUG)
    assert log_class() is ChunkLog


@pytest.mark.parametrize("peer", [("::1", 50000, 0, 0), "", "/tmp/\udcff.sock", b"\0abstract\xff", None])
def test_the_end_of_a_connection_from_anywhere_can_be_written_as_json(peer, caplog):
    connection = ConnectionLog()
    connection.opened(FakeTransport(peer))
    connection.ended()
    (record,) = caplog.records
    assert json.loads(JSONFormatter().format(record))["event"] == "closing"
