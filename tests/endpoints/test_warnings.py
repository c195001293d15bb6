"""Endpoints as a developer runs them: every warning an error, Python's development mode, asyncio's debug mode.

Whatever a peer does, nothing may warn: no resource that nobody closed, no task that nobody awaits, no transport that
outlives the loop.
"""

import os
import re
import signal
import socket
import ssl

import pytest
from harness import (
    DEADLINE_S,
    HOST,
    Endpoint,
    connect,
    echo_once,
    is_cut,
    one_shot_server,
    read_to_end,
    receive,
    reset,
    round_trip,
)

STRICT = {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error", "PYTHONASYNCIODEBUG": "1"}
"""What `-X dev -W error` says, and asyncio's debug mode."""

TELL_TASKS = """
import asyncio, atexit, gc, sys
close = asyncio.Runner.close
def tell_tasks(self):
    for task in asyncio.all_tasks(self.get_loop()):
        print("Warning: leaked", task, file=sys.stderr)
    close(self)
    gc.collect()
asyncio.Runner.close = tell_tasks
atexit.register(gc.collect)
"""
"""A task that is left when the program ends would only be cancelled, and no word said."""

BAD = re.compile(r"Traceback|Warning|never retrieved|was destroyed|unclosed|Exception ignored|exception was raised")
BUSY = re.compile(r"^asyncio: Executing .* took [\d.]+ seconds$")
"""That a callback was slow is news of the machine."""


def strict(api, role, *options, loop):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | STRICT
    # At debug asyncio itself shows the traceback of every reset, where its debug mode is on.
    return Endpoint(api, role, "--log-level", "info", *options, loop=loop, before=TELL_TASKS, env=env)


def strict_client(api, loop, port, *options):
    return strict(api, "client", "--host", HOST, "--port", str(port), *options, loop=loop)


def assert_spotless(endpoint):
    assert [line for line in endpoint.lines if BAD.search(line) and not BUSY.match(line)] == [], endpoint.log


def trusting(certificates):
    return ssl.create_default_context(cafile=certificates.ca)


def test_a_server_warns_of_nothing_whatever_its_peers_do(api, loop):
    options = ("--port", "0", "--idle-timeout", "1", "--max-connections", "3", "--grace", "0")
    with strict(api, "server", *options, loop=loop) as server:
        port = server.port()
        assert echo_once(port, b"x" * 300_000) == b"x" * 300_000
        peer = connect(port)
        assert round_trip(peer)
        reset(peer)
        server.wait_for("connection lost")
        with connect(port) as silent, connect(port) as never_reads:
            never_reads.setblocking(False)
            try:
                while True:
                    never_reads.send(b"x" * 65536)
            except BlockingIOError:
                never_reads.settimeout(DEADLINE_S)
            assert is_cut(silent)
            server.wait_for("cutting the connection", count=2)
        with connect(port) as one, connect(port) as two, connect(port) as three, connect(port) as refused:
            assert all(map(round_trip, (one, two, three)))
            assert is_cut(refused)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("still open at shutdown", count=3)
        assert server.end() == 0
        assert_spotless(server)


def test_a_tls_server_warns_of_nothing_whatever_its_peers_do(api, loop, certificates):
    options = ("--port", "0", "--tls-cert", certificates.cert, "--tls-key", certificates.key, "--grace", "0")
    with strict(api, "server", *options, loop=loop) as server:
        port = server.port()

        def tls_peer():
            return trusting(certificates).wrap_socket(connect(port), server_hostname=HOST)

        with tls_peer() as peer:
            assert round_trip(peer, b"x" * 100_000)
            peer.unwrap().close()
        # No failed handshake: of those asyncio shows the traceback where its debug mode is on.
        peer = tls_peer()
        assert round_trip(peer)
        reset(peer)
        server.wait_for("connection lost")
        with tls_peer() as left:
            assert round_trip(left)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("still open at shutdown")
        assert server.end() == 0
        assert_spotless(server)


def read_to_end_or_reset(sock):
    try:
        return read_to_end(sock)
    except ConnectionError:
        return b""


def echo(sock):
    while data := sock.recv(1 << 16):
        sock.sendall(data)


SCRIPTS = {
    "echo": (echo, ("--file", __file__), 0),
    "several-connections": (None, ("--connections", "3"), 0),
    "reset": (lambda sock: (sock.recv(1), reset(sock)), ("--message", "x" * 50_000), 1),
    "altered": (lambda sock: (sock.recv(1), sock.sendall(b"?"), read_to_end_or_reset(sock)), ("--message", "abc"), 1),
    "closes-early": (lambda sock: (sock.shutdown(socket.SHUT_WR), read_to_end_or_reset(sock)), (), 1),
    "no-answer": (read_to_end_or_reset, ("--timeout", "0.5", "--lockstep"), 1),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_client_warns_of_nothing_whatever_its_server_does(api, loop, script):
    play, options, code = script
    if play is None:
        with Endpoint(api, "server", "--port", "0", loop=loop) as server:
            assert_ends(strict_client(api, loop, server.port(), *options), code)
        return
    with one_shot_server(play) as port:
        assert_ends(strict_client(api, loop, port, *options), code)


def assert_ends(endpoint, code):
    with endpoint as client:
        assert client.end() == code, client.log
        assert_spotless(client)


def test_a_time_out_before_the_server_has_ended_leaves_no_transport_open(api, loop):
    with socket.create_server((HOST, 0)) as listener:
        options = ("--message", "all!", "--timeout", "1")
        with strict_client(api, loop, listener.getsockname()[1], *options) as client:
            sock, _ = listener.accept()
            with sock:
                sock.sendall(receive(sock, 4))
                assert client.end() == 1, client.log
            assert_spotless(client)


def test_ctrl_c_leaves_nothing_open(api, loop):
    with socket.create_server((HOST, 0)) as listener, strict_client(api, loop, listener.getsockname()[1]) as client:
        client.wait_for("waiting for response")
        assert client.stop(signal.SIGINT) == 130
        assert_spotless(client)


def test_a_tls_client_warns_of_nothing(api, loop, certificates):
    options = ("--port", "0", "--tls-cert", certificates.cert, "--tls-key", certificates.key)
    with Endpoint(api, "server", *options, loop=loop) as server:
        assert_ends(strict_client(api, loop, server.port(), "--tls-ca", certificates.ca), 0)
        # Of an authority that it does not know:
        assert_ends(strict_client(api, loop, server.port(), "--tls-ca", certificates.other_ca), 1)
    with one_shot_server(read_to_end_or_reset) as port:
        assert_ends(strict_client(api, loop, port, "--tls-ca", certificates.ca, "--timeout", "0.5"), 1)
