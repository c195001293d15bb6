"""What a server does at its limits: a thousand clients at once, no file descriptor left, too many peers, idle peers."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from harness import (
    DEADLINE_S,
    ENDING,
    ROOT,
    Endpoint,
    assert_quiet,
    connect,
    echo_once,
    endings,
    is_cut,
    read_to_end,
    round_trip,
    stand_still,
)

LIMIT_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
COUNT_ACCEPTS = """
import atexit, itertools, socket
attempts, accept = itertools.count(), socket.socket.accept
socket.socket.accept = lambda self: (next(attempts), accept(self))[1]
atexit.register(lambda: print(next(attempts)))
"""
"""The server prints at its end how often asyncio has tried to accept; uvloop does not ask Python."""

OUT_OF_FILES = "out of file descriptors"


def cpu_s(server: Endpoint) -> float:
    """Processor time that the server has used so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- Many at once ---


def test_it_serves_a_thousand_clients_that_connect_at_once(api, loop):
    if int(Path("/proc/sys/net/core/somaxconn").read_text()) < 1000:
        pytest.skip("this kernel queues fewer than 1000 connections: net.core.somaxconn")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Endpoint(api, "server", "--port", "0", "--log-level", "info", loop=loop) as server, ExitStack() as peers:
        port = server.port()
        stand_still(server)
        clients = [peers.enter_context(connect(port)) for _ in range(1000)]
        for n, client in enumerate(clients):
            client.sendall(f"I am {n}".encode())
            client.shutdown(socket.SHUT_WR)
        server.process.send_signal(signal.SIGCONT)
        assert [read_to_end(client) for client in clients] == [f"I am {n}".encode() for n in range(1000)]
        server.wait_for(ENDING, count=1000)
        assert endings(server) == ["closing"] * 1000
        assert server.stop() == 0
        assert_quiet(server)


# --- No file descriptor left ---


def test_it_raises_its_limit_of_open_files_at_the_start(api, loop):
    low = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 123))"
    with Endpoint(api, "server", "--port", "0", loop=loop, before=low) as server:
        server.port()
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE) == (123, 123)


def test_no_socket_is_taken_for_a_standard_stream_that_was_closed(api, loop):
    with Endpoint(api, "server", "--port", "0", loop=loop, before="import os; os.close(0); os.close(1)") as server:
        assert echo_once(server.port()) == b"ping"
        assert [os.readlink(f"/proc/{server.process.pid}/fd/{number}") for number in (0, 1)] == [os.devnull] * 2
        assert server.stop() == 0
        assert_quiet(server)


def test_out_of_file_descriptors_it_is_idle_and_quiet_and_serves_others_once_some_are_free(api, loop):
    options = ("--port", "0", "--idle-timeout", "2", "--grace", "0")
    with (
        Endpoint(api, "server", *options, loop=loop, before=LIMIT_FILES + COUNT_ACCEPTS) as server,
        ExitStack() as peers,
    ):
        clients = [peers.enter_context(connect(server.port())) for _ in range(60)]
        assert all(round_trip(client) for client in clients[:20]), "it no longer serves those it has"
        if loop == "asyncio":
            server.wait_for(OUT_OF_FILES)  # uvloop says nothing, and hangs up on those it has no descriptor for
        else:
            assert is_cut(clients[59])
        started_s, used_s = time.monotonic(), cpu_s(server)
        server.wait_for("nothing moved for 2 s")
        assert cpu_s(server) - used_s < 0.2 * (time.monotonic() - started_s)
        if loop == "asyncio":
            assert round_trip(clients[59])
        else:
            assert is_cut(clients[0])  # its descriptor is free
            assert echo_once(server.port()) == b"ping"
        assert len([line for line in server.lines if OUT_OF_FILES in line]) <= 2
        assert server.stop() == 0
        assert int(server.stdout) < 250, "60 were to be accepted, and it is asked again once a second"
        assert_quiet(server)


def test_out_of_file_descriptors_it_still_ends_in_good_order(api, loop):
    # Longer than the second after which asyncio tries again to accept: by then there is nothing to accept on.
    with (
        Endpoint(api, "server", "--port", "0", "--grace", "1.5", loop=loop, before=LIMIT_FILES) as server,
        ExitStack() as peers,
    ):
        clients = [peers.enter_context(connect(server.port())) for _ in range(60)]
        assert round_trip(clients[0])
        if loop == "asyncio":
            server.wait_for(OUT_OF_FILES)
        else:
            assert is_cut(clients[59])
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("closing server")
        assert round_trip(clients[0])
        assert server.end() == 0
        assert all(is_cut(client) for client in clients)
        assert_quiet(server)


# --- --max-connections ---


def test_it_refuses_connections_beyond_the_limit_and_takes_others_when_some_have_left(api, loop):
    with Endpoint(api, "server", "--port", "0", "--max-connections", "2", loop=loop) as server:
        port = server.port()
        with connect(port) as first, connect(port) as second:
            assert round_trip(first)
            assert round_trip(second)
            for _ in range(5):
                with connect(port) as third:
                    assert is_cut(third)
            server.wait_for("connection refused: limit of 2 connections reached", count=5)
            assert round_trip(first)
        server.wait_for(": closing$", count=2)
        assert echo_once(port) == b"ping"
        server.wait_for(": closing$", count=3)
        assert sorted(set(endings(server))) == ["closing", "connection refused: limit of 2 connections reached"]
        assert len(endings(server)) == 8
        assert server.stop() == 0
        assert_quiet(server)


def test_it_takes_no_byte_from_a_peer_beyond_the_limit(api, loop):
    with Endpoint(api, "server", "--port", "0", "--max-connections", "1", loop=loop) as server:
        port = server.port()
        with connect(port) as first:
            assert round_trip(first)
            stand_still(server)
            peers = [connect(port) for _ in range(10)]
            for peer in peers:
                peer.sendall(b"let me in")
            server.process.send_signal(signal.SIGCONT)
            for peer in peers:
                assert is_cut(peer)
                peer.close()
            assert round_trip(first)
        server.wait_for(ENDING, count=11)
        assert "let me in" not in server.log
        assert server.stop() == 0
        assert_quiet(server)


# --- --idle-timeout ---


def test_it_cuts_an_idle_peer_and_no_other(api, loop):
    with Endpoint(api, "server", "--port", "0", "--idle-timeout", "2", loop=loop) as server:
        with connect(server.port()) as idle, connect(server.port()) as busy:
            idle.setblocking(False)
            cut = False
            while not cut:
                assert round_trip(busy)
                with suppress(BlockingIOError):
                    cut = is_cut(idle)
            assert round_trip(busy)
            assert round_trip(busy)
        server.wait_for(": closing$")
        assert endings(server) == ["nothing moved for 2 s, cutting the connection", "closing"]
        assert server.stop() == 0
        assert_quiet(server)


def test_it_cuts_a_peer_that_sends_all_it_can_and_never_reads(api, loop):
    endless = bytes(256 << 20)
    with Endpoint(api, "server", "--port", "0", "--idle-timeout", "1", loop=loop) as server:
        with connect(server.port()) as peer:
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                peer.sendall(endless)
            server.wait_for("nothing moved for 1 s, cutting the connection")
            assert echo_once(server.port()) == b"ping"
        assert server.stop() == 0
        assert_quiet(server)


@pytest.mark.skipif(not os.path.exists("/proc/self/syscall"), reason="only Linux tells what a process waits in")
def test_a_reader_of_the_log_that_stands_still_stops_the_server_until_it_reads_on(api, loop):
    log, writing = os.pipe()
    command = [sys.executable, "-m", f"{api}_impl.server", "--port", "0", "--loop", loop]
    server = subprocess.Popen(command, cwd=ROOT, stderr=writing)
    os.close(writing)
    with server, open(log, "rb") as lines, ExitStack() as peers:
        try:
            port = next(int(line.split()[-1]) for line in lines if b"starting up on" in line)
            peer = peers.enter_context(connect(port))
            payload = b"x" * 1000
            while not writes_to_its_log(server.pid):
                with suppress(BlockingIOError):
                    peer.setblocking(False)
                    peer.send(payload)
                with suppress(BlockingIOError):
                    peer.recv(1 << 16)
            server.send_signal(signal.SIGTERM)
            while not writes_to_its_log(server.pid):  # the signal interrupts the write, and Python begins it again
                assert server.poll() is None
            peer.close()
            assert b"closing server" in lines.read()
            assert server.wait(DEADLINE_S) == 0
        finally:
            server.kill()


def writes_to_its_log(pid: int) -> bool:
    """Whether the process is held up in a write to standard error."""
    return Path(f"/proc/{pid}/syscall").read_text().split()[1:2] == ["0x2"]
