"""How a server ends: no new connection, the open ones go on for their grace, then the rest is cut; exit code 0."""

import asyncio
import importlib
import random
import select
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest
from harness import (
    ENDING,
    HOST,
    Endpoint,
    assert_quiet,
    connect,
    endings,
    is_cut,
    read_all_back,
    read_to_end,
    round_trip,
    send_until_stuck,
    stand_still,
)

from common.config import ServerConfig
from common.live import LiveConnections
from common.server import ACCEPT_AT_ONCE, stop_accepting

PAYLOAD = random.Random(0).randbytes(64 << 20)
"""More than the kernel's buffers of both sides hold."""

CUT = "still open at shutdown, cutting the connection"
FOR_EVER = ("--grace", "600")
"""A grace beyond every deadline: a server that ends did not wait for it."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SIGNAL_WHILE_IGNORING = """
import os, signal
usual = signal.signal
def ignore(number, handler):
    if handler is signal.SIG_IGN:
        print(signal.Signals(number).name)
        os.kill(os.getpid(), number)
    return usual(number, handler)
signal.signal = ignore
"""
"""A signal comes when its handler has been removed, and it is not yet ignored."""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_idle_server_ends_at_once(api, loop, number):
    with Endpoint(api, "server", "--port", "0", *FOR_EVER, loop=loop) as server:
        server.port()
        assert server.stop(number) == 0
        assert server.lines[-2:] == ["main: closing server", "main: closing event loop"]
        assert_quiet(server)


def test_signals_that_come_too_late_do_not_spoil_its_exit_code(api, loop):
    with Endpoint(api, "server", "--port", "0", loop=loop) as server:
        server.port()
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("closing event loop")
        while server.process.poll() is None:
            for number in SIGNALS:
                server.process.send_signal(number)
        assert server.end() == 0
        assert_quiet(server)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_that_comes_while_the_handlers_are_given_up_does_not_spoil_its_exit_code(api, loop, number):
    with Endpoint(api, "server", "--port", "0", loop=loop, before=SIGNAL_WHILE_IGNORING) as server:
        server.port()
        assert server.stop(number) == 0
        assert server.stdout.split() == [b"SIGINT", b"SIGTERM"]
        assert_quiet(server)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_it_accepts_nobody_any_more_and_goes_on_echoing_until_its_peer_has_finished(api, loop, number):
    with Endpoint(api, "server", "--port", "0", *FOR_EVER, loop=loop) as server:
        port = server.port()
        with connect(port) as peer:
            assert round_trip(peer, b"before")
            server.process.send_signal(number)
            server.wait_for("^main: closing server")
            for _ in range(20):  # turns of its loop
                assert round_trip(peer, b"after")
            with pytest.raises(ConnectionRefusedError):
                connect(port)
            assert round_trip(peer, b"long after")
            peer.shutdown(socket.SHUT_WR)
            assert read_to_end(peer) == b""
        assert server.end() == 0
        assert endings(server) == ["closing"]
        assert_quiet(server)


def test_it_ends_only_when_all_that_it_wrote_has_gone_out(api, loop):
    with Endpoint(api, "server", "--port", "0", *FOR_EVER, loop=loop) as server:
        with connect(server.port()) as bystander, connect(server.port()) as peer:
            sent = send_until_stuck(peer, PAYLOAD, bystander)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("^main: closing server")
            echo, whole = read_all_back(peer, PAYLOAD, sent)
            assert echo == whole
            sent = send_until_stuck(peer, PAYLOAD, bystander)
            peer.shutdown(socket.SHUT_WR)
            bystander.close()
            server.wait_for("closing$")
            peer.setblocking(True)
            assert read_to_end(peer) == PAYLOAD[:sent]
        assert server.end() == 0
        assert endings(server) == ["closing", "closing"]
        assert_quiet(server)


def test_it_cuts_after_the_grace_whoever_has_not_finished(api, loop):
    with Endpoint(api, "server", "--port", "0", "--grace", "0.3", loop=loop) as server:
        with connect(server.port()) as silent, connect(server.port()) as stuck, connect(server.port()) as bystander:
            assert round_trip(silent)
            send_until_stuck(stuck, PAYLOAD, bystander)
            assert server.stop() == 0
            assert is_cut(silent)
        assert endings(server) == [CUT] * 3
        assert server.lines[-1] == "main: closing event loop"
        assert_quiet(server)


def test_without_any_grace_it_cuts_at_once(api, loop):
    with Endpoint(api, "server", "--port", "0", "--grace", "0", loop=loop) as server:
        with connect(server.port()) as peer:
            assert round_trip(peer)
            assert server.stop() == 0
            assert is_cut(peer)
        assert endings(server) == [CUT]
        assert_quiet(server)


@pytest.mark.parametrize("first", SIGNALS, ids=lambda number: number.name)
def test_a_second_signal_cuts_at_once(api, loop, first):
    with Endpoint(api, "server", "--port", "0", *FOR_EVER, loop=loop) as server:
        with connect(server.port()) as silent, connect(server.port()) as stuck:
            send_until_stuck(stuck, PAYLOAD, silent)
            server.process.send_signal(first)
            server.wait_for("^main: closing server")
            assert round_trip(silent)
            assert server.stop(signal.SIGTERM) == 0
            assert is_cut(silent)
        assert endings(server) == [CUT] * 2
        assert_quiet(server)


def test_peers_that_wait_to_be_accepted_when_it_stops_are_not_left_hanging(api, loop):
    with Endpoint(api, "server", "--port", "0", loop=loop) as server, ExitStack() as peers:
        port = server.port()
        stand_still(server)
        waiting = [peers.enter_context(connect(port)) for _ in range(20)]
        for peer in waiting:
            peer.sendall(b"hello?")
            peer.shutdown(socket.SHUT_WR)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        for peer in waiting:
            with suppress(ConnectionResetError):
                assert read_to_end(peer) in (b"", b"hello?")
        assert server.end() == 0
        assert_quiet(server)


def test_a_peer_that_was_accepted_a_moment_ago_is_known_before_its_server_closes(api):
    """asyncio drops a connection that is not known yet when its server closes, and on 3.13 a traceback tells of it."""
    start = importlib.import_module(f"{api}_impl.server").start
    known = []

    async def main():
        live = LiveConnections()
        with socket.create_server((HOST, 0)) as listener:
            server = await start(listener, ACCEPT_AT_ONCE, ServerConfig(), live, {})
            with connect(listener.getsockname()[1]):
                while select.select([listener], [], [], 0)[0]:
                    await asyncio.sleep(0)
                known.append(len(live))
                await stop_accepting([listener.fileno()], [SimpleNamespace(close=lambda: known.append(len(live)))])
                server.close()
                live.cut_all()
                await live.wait_until_none()

    asyncio.run(main())
    assert known == [0, 1]


def test_a_peer_that_is_accepted_while_it_stops_is_served_or_let_go(api, loop):
    """The server stops in the middle of a stream of new peers: none hangs, none leaves a traceback."""
    with Endpoint(api, "server", "--port", "0", *FOR_EVER, loop=loop) as server:
        port = server.port()
        outcomes = []

        def knock():
            with suppress(OSError):  # refused, or reset in the queue: it has stopped
                while True:
                    with connect(port) as peer:
                        peer.sendall(b"hello?")
                        peer.shutdown(socket.SHUT_WR)
                        outcomes.append(read_to_end(peer))

        threads = [threading.Thread(target=knock) for _ in range(4)]
        for thread in threads:
            thread.start()
        server.wait_for(ENDING, count=20)
        assert server.stop() == 0
        for thread in threads:
            thread.join()
        assert set(outcomes) <= {b"hello?", b""}
        assert_quiet(server)
