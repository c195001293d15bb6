"""What every server must do with a badly behaved peer, and with a defect of its own.

Both APIs, both loops; the peer is a raw socket. A connection's trouble stays its own: at most one log line, and the
others go on.
"""

import contextlib
import random
import socket
import tempfile
import threading

import pytest
from harness import (
    ENDING,
    Endpoint,
    assert_quiet,
    connect,
    echo_once,
    endings,
    is_cut,
    read_all_back,
    read_to_end,
    reset,
    round_trip,
    send_until_stuck,
)

MIB = 1 << 20
PAYLOAD = random.Random(0).randbytes(64 * MIB)
"""More than the kernel's buffers of both sides hold; no part of it is like another."""

LOSSES = {"connection lost: ConnectionResetError", "connection lost: BrokenPipeError"}


@pytest.fixture
def server(api, loop):
    """A server as a user starts it, that must end in good order and without a word from asyncio."""
    with Endpoint(api, "server", "--port", "0", loop=loop) as server:
        server.port()
        yield server
        assert server.stop() == 0
        assert_quiet(server)


# --- Peers that leave ---


def test_a_reset_ends_only_its_own_connection(server):
    with connect(server.port()) as bystander:
        peer = connect(server.port())
        assert round_trip(peer)
        reset(peer)
        server.wait_for("connection lost: ConnectionResetError")
        assert round_trip(bystander)
    assert echo_once(server.port()) == b"ping"
    server.wait_for("closing", count=2)
    assert sorted(endings(server)) == ["closing", "closing", "connection lost: ConnectionResetError"]


def test_a_peer_that_connects_and_says_nothing_is_let_go(server):
    connect(server.port()).close()
    server.wait_for("closing")
    assert endings(server) == ["closing"]


def test_peers_that_are_reset_before_they_are_accepted_are_let_go(server):
    for _ in range(20):
        reset(connect(server.port()))
    server.wait_for(ENDING, count=20)
    assert echo_once(server.port()) == b"ping"
    server.wait_for(ENDING, count=21)
    assert set(endings(server)) <= {"closing", *LOSSES}


def test_peers_that_send_and_vanish_are_let_go(server):
    for n in range(20):
        peer = connect(server.port())
        peer.sendall(PAYLOAD[: 10_000 * n])
        peer.close()  # without having read: the kernel resets
    server.wait_for(ENDING, count=20)
    assert echo_once(server.port()) == b"ping"
    server.wait_for(ENDING, count=21)
    assert set(endings(server)) <= {"closing", *LOSSES}


def test_a_peer_that_vanishes_while_the_server_waits_for_it_to_read_is_let_go(server):
    with connect(server.port()) as bystander:
        peer = connect(server.port())
        send_until_stuck(peer, PAYLOAD, bystander)
        reset(peer)
        server.wait_for("connection lost")
        assert round_trip(bystander)
    server.wait_for("closing")
    assert len(endings(server)) == 2


# --- Peers that are slow ---


def test_it_finishes_the_echo_after_a_half_close(server):
    echo = []
    with connect(server.port()) as peer:
        reader = threading.Thread(target=lambda: echo.append(read_to_end(peer)))
        reader.start()
        peer.sendall(PAYLOAD[: 8 * MIB])
        peer.shutdown(socket.SHUT_WR)
        reader.join()
    assert echo == [PAYLOAD[: 8 * MIB]]
    server.wait_for(ENDING)
    assert endings(server) == ["closing"]


def test_it_finishes_the_echo_of_a_peer_that_reads_only_after_its_half_close(server):
    with connect(server.port()) as bystander, connect(server.port()) as peer:
        sent = send_until_stuck(peer, PAYLOAD, bystander)
        peer.shutdown(socket.SHUT_WR)
        assert round_trip(bystander)
        peer.setblocking(True)
        assert read_to_end(peer) == PAYLOAD[:sent]
        server.wait_for(ENDING)
        assert endings(server) == ["closing"]


def test_it_sends_what_is_still_in_its_buffer_when_its_peer_half_closes(api, loop):
    """With the kernel's buffer full and its own neither empty nor full, the server reads on, and sees the end."""
    with tempfile.TemporaryDirectory() as folder, Endpoint(api, "server", "--unix", f"{folder}/s", loop=loop) as server:
        server.wait_for("starting up on")
        with socket.socket(socket.AF_UNIX) as bystander:
            bystander.connect(f"{folder}/s")
            for wanted in range(64 << 10, 512 << 10, 32 << 10):  # the width of the state is 64 KiB
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(f"{folder}/s")
                    peer.setblocking(False)
                    sent = 0
                    with contextlib.suppress(BlockingIOError):
                        while sent < wanted:
                            sent += peer.send(PAYLOAD[sent : sent + 8192])
                            assert round_trip(bystander)
                    peer.shutdown(socket.SHUT_WR)
                    assert round_trip(bystander)
                    peer.setblocking(True)
                    assert read_to_end(peer) == PAYLOAD[:sent]
        assert server.stop() == 0
        assert_quiet(server)


def test_it_echoes_byte_by_byte_as_faithfully(server):
    with connect(server.port()) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(256):
            assert round_trip(peer, bytes([n]))


@pytest.mark.parametrize("transport", ["tcp", "unix"])
def test_memory_stays_bounded_while_a_peer_sends_all_it_can_and_reads_nothing(api, loop, transport):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        options = ["--port", "0"] if transport == "tcp" else ["--unix", path]

        def peer_of(server):
            if transport == "tcp":
                return connect(server.port())
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(path)
            return peer

        with Endpoint(api, "server", *options, loop=loop) as server:
            server.wait_for("starting up on")
            with peer_of(server) as bystander, peer_of(server) as peer:
                assert round_trip(bystander)
                assert round_trip(peer)
                before_bytes = server.rss_bytes()
                sent = send_until_stuck(peer, PAYLOAD, bystander)
                assert server.peak_rss_bytes() - before_bytes <= 8 * MIB
                echo, whole = read_all_back(peer, PAYLOAD, sent)
                assert echo == whole
                assert server.peak_rss_bytes() - before_bytes <= 8 * MIB
            assert server.stop() == 0
            assert_quiet(server)


# --- What peers can write into the log ---


@pytest.mark.parametrize("form", ["plain", "json"])
def test_no_payload_can_forge_a_line_of_the_log(api, loop, form):
    forged = b"\nmain: closing server\r\nmain: closing event loop\x85main: \xe2\x80\xa8\x1b[2K" + b'"}\n{"a": "'
    with Endpoint(api, "server", "--port", "0", "--log-format", form, loop=loop) as server:
        for payload in (forged, forged * 10):
            assert echo_once(server.port(), payload) == payload
        server.wait_for(r'^echo_\S+: closing$|"event": "closing"', count=2)
        assert set(server.log) <= {"\n", *map(chr, range(32, 127))}
        if form == "json":
            assert {record["logger"].split("_")[0] for record in server.records} <= {"asyncio", "main", "echo"}
            assert [record["event"] for record in server.records].count("closing_server") == 0
        else:
            told = [line for line in server.lines if not line.startswith("echo_127.0.0.1_")]
            assert [line for line in told if "starting up" not in line and "Using selector" not in line] == []
        assert server.stop() == 0


# --- Defects of its own ---

PLANTED = """
from common import connections

def plant(owner, name, is_hit):
    real = getattr(owner, name)
    def planted(self, *arguments, **values):
        if is_hit(*arguments):
            raise ValueError("planted")
        return real(self, *arguments, **values)
    setattr(owner, name, planted)

first = iter([True])
"""
"""`plant` makes a method raise where its arguments are a hit; `next(first, False)` is a hit once."""


@pytest.mark.parametrize(
    "defect",
    [
        pytest.param("plant(connections.ConnectionLog, 'opened', lambda *_: next(first, False))", id="opening"),
        pytest.param(
            "plant(connections.ConnectionLog, 'tell', lambda e, *_: e == 'accepted' and next(first, False))",
            id="opened",
        ),
        pytest.param("plant(connections.ChunkLog, 'received', lambda d: d == b'boom')", id="bytes-arrive"),
        pytest.param("plant(connections.ChunkLog, 'sent', lambda d: d == b'boom')", id="written"),
        pytest.param("plant(connections.ConnectionLog, 'ended', lambda *_: next(first, False))", id="ending"),
    ],
)
def test_a_defect_shows_its_traceback_and_ends_only_its_own_connection(api, loop, defect):
    # Nobody waits for the grace: a connection that is not forgotten shows by a server that does not end.
    options = ("--port", "0", "--grace", "600", "--max-connections", "2")
    with Endpoint(api, "server", *options, loop=loop, before=PLANTED + defect) as server:
        with connect(server.port()) as peer:
            peer.sendall(b"boom")
            if "ended" in defect:
                peer.shutdown(socket.SHUT_WR)
                assert peer.recv(4) == b"boom"
            while not is_cut(peer):
                pass  # what was written before the defect may come first
            server.wait_for("^ValueError: planted")
            with connect(server.port()) as bystander:
                assert round_trip(bystander, b"fine")
                assert echo_once(server.port()) == b"ping"
        assert server.stop() == 0
        assert server.log.count("Traceback") == 1, server.log


def test_a_defect_in_one_connection_leaves_the_others_alone(api, loop):
    defect = "plant(connections.ChunkLog, 'received', lambda d: d == b'boom')"
    with Endpoint(api, "server", "--port", "0", loop=loop, before=PLANTED + defect) as server:
        with connect(server.port()) as bystander, connect(server.port()) as peer:
            assert round_trip(bystander)
            assert round_trip(peer)
            peer.sendall(b"boom")
            assert is_cut(peer)
            assert round_trip(bystander)
        assert server.stop() == 0
        assert server.log.count("Traceback") == 1, server.log


def test_a_handler_that_raises_an_error_of_the_system_does_not_keep_its_peer(api, loop):
    """Such an error looks like one of the network, but the connection is still open when it is raised."""
    plant = """
from common.connections import ChunkLog
received = ChunkLog.received
def fail(log, data):
    if data == b"defect":
        raise FileNotFoundError(2, "planted")
    received(log, data)
ChunkLog.received = fail
"""
    with Endpoint(api, "server", "--port", "0", loop=loop, before=plant) as server:
        port = server.port()
        with connect(port) as peer:
            peer.sendall(b"defect")
            assert is_cut(peer)
        assert echo_once(port) == b"ping"
        assert server.stop() == 0
