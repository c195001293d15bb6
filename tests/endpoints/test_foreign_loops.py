"""Servers on loops that treat a listening socket as their own once they have it."""

import signal
import socket
import subprocess

import pytest
from harness import Endpoint, assert_quiet, connect, echo_once, endings, read_to_end, round_trip

LOOPS = ["ClosesWhatItIsGiven", "TakesTheDescriptor"]


@pytest.fixture(params=LOOPS)
def loop(request):
    return f"tests.planted_loops:{request.param}"


def test_it_serves_and_stops_on_a_loop_that_takes_the_socket_away(api, loop):
    with Endpoint(api, "server", "--port", "0", "--grace", "600", loop=loop) as server:
        port = server.port()
        assert echo_once(port) == b"ping"
        with connect(port) as peer:
            assert round_trip(peer)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("closing server")
            assert round_trip(peer)
            with pytest.raises(ConnectionRefusedError):
                connect(port)
            peer.shutdown(socket.SHUT_WR)
            assert read_to_end(peer) == b""
        assert server.end() == 0, server.log
        assert endings(server) == ["closing", "closing"]
        assert_quiet(server)


def test_it_serves_all_addresses_on_such_a_loop(api, loop, tmp_path):
    with Endpoint(api, "server", "--host", "", "--port", "0", loop=loop) as server:
        assert echo_once(server.port()) == b"ping"
        server.wait_for("open to other machines")
        assert server.stop() == 0, server.log
    with Endpoint(api, "server", "--unix", str(tmp_path / "s"), loop=loop) as server:
        server.wait_for("starting up")
        assert server.stop() == 0, server.log
        assert not (tmp_path / "s").exists()
        assert_quiet(server)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", *(f"tests.planted_loops:{name}" for name in LOOPS)])
def test_as_many_may_wait_as_the_backlog_says(api, loop):
    if loop == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")
    with Endpoint(api, "server", "--port", "0", "--backlog", "77", loop=loop) as server:
        port = server.port()
        try:
            told = subprocess.run(["ss", "-ltn", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            pytest.skip("ss tells how long a queue is: apt install iproute2")
        assert {int(line.split()[2]) for line in told.splitlines()[1:]} == {77}
        assert server.stop() == 0
