"""What every server must do with a badly behaved peer: both APIs, both loops, the peer a raw socket."""

import signal
import socket

from harness import Endpoint, assert_quiet, connect, echo_once, read_to_end, reset


def test_a_reset_ends_only_its_own_connection(api, loop):
    with Endpoint(api, "server", "--port", "0", loop=loop) as server:
        port = server.port()
        with connect(port) as bystander:
            peer = connect(port)
            peer.sendall(b"hello")
            assert peer.recv(5) == b"hello"
            reset(peer)
            server.wait_for("connection lost: ConnectionResetError")
            bystander.sendall(b"still here")
            assert bystander.recv(100) == b"still here"
        assert echo_once(port) == b"ping"
        assert server.stop() == 0
        assert_quiet(server)


def test_it_finishes_the_echo_after_a_half_close(api, loop):
    payload = bytes(range(256)) * 4096 * 8
    with Endpoint(api, "server", "--port", "0", "--log-level", "info", loop=loop) as server:
        with connect(server.port()) as peer:
            peer.setblocking(True)
            import threading

            echo = []
            reader = threading.Thread(target=lambda: echo.append(read_to_end(peer)))
            reader.start()
            peer.sendall(payload)
            peer.shutdown(socket.SHUT_WR)
            reader.join(60)
        assert echo == [payload]
        assert server.stop(signal.SIGINT) == 0
        assert_quiet(server)
