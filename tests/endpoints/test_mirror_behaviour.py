"""The two implementations are mirror images in what they do: the same peers, the same story in the log.

Compared is what an API does not choose: of each speaker the bytes in each direction, joined, and its other lines in
their order, with the fields of their records. Ports are replaced; "received EOF" is left out: only Protocol has a
place for it.
"""

import contextlib
import re
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from conftest import APIS
from harness import (
    DEADLINE_S,
    HOST,
    TUTORIAL,
    Endpoint,
    client_of,
    connect,
    is_cut,
    one_shot_server,
    read_to_end,
    reset,
    round_trip,
    silent_input,
)
from test_clients import WRONG, silent_server, unused_port

BYTES = ("received", "sent", "sending")
ENDINGS = '"event": "(closing|lost|idle|cut|refused|failed)"'
JSON = ("--log-format", "json")


@dataclass
class Story:
    """What one speaker of a log tells."""

    bytes_by_direction: dict[str, int] = field(default_factory=dict)
    lines: list[tuple[object, ...]] = field(default_factory=list)


def told(endpoint: Endpoint) -> tuple[int, dict[str, Story]]:
    """The exit code of an endpoint that has ended, and the story of each of its speakers."""
    stories: dict[str, Story] = {}
    names: dict[str, str] = {}
    for record in endpoint.records:
        name = record["logger"]
        if name.startswith(("echo_127", "echo_unix")):
            name = names.setdefault(name, f"peer {len(names) + 1}")
        story = stories.setdefault(name, Story())
        event = record["event"]
        if event in BYTES:
            assert record["offset"] == story.bytes_by_direction.get(event, 0), record
            story.bytes_by_direction[event] = record["offset"] + record["length"]
        elif event != "eof":
            message = re.sub(r"port \d+", "port PORT", record["message"])
            account = {key: value for key, value in record.items() if re.search("_(bytes|digest)$", key)}
            story.lines.append((event, record["level"], message, account, sorted(record)))
    return endpoint.process.returncode, stories


def assert_alike(play: Callable[[str], Endpoint]) -> None:
    """`play` an endpoint of each API to its end: both tell the same, and something."""
    (code, stories), other = (told(play(api)) for api in APIS)
    assert len(stories["main"].lines) > 0
    assert (code, stories) == other


# --- Servers ---


def says_nothing(peer: socket.socket, server: Endpoint) -> None:
    pass


def half_closes_at_once(peer: socket.socket, server: Endpoint) -> None:
    peer.shutdown(socket.SHUT_WR)
    assert read_to_end(peer) == b""


def sends_all_and_reads_to_the_end(peer: socket.socket, server: Endpoint) -> None:
    peer.sendall(TUTORIAL)
    peer.shutdown(socket.SHUT_WR)
    assert read_to_end(peer) == TUTORIAL


def asks_three_times_and_closes(peer: socket.socket, server: Endpoint) -> None:
    for message in (b"one", b"two", b"three"):
        assert round_trip(peer, message)


def sends_control_characters(peer: socket.socket, server: Endpoint) -> None:
    assert round_trip(peer, b"\nmain: closing event loop\r\x00\x1b[2J\xff\xe2\x80\xa8")


def sends_a_megabyte(peer: socket.socket, server: Endpoint) -> None:
    payload = bytes(range(256)) * 4096
    echo: list[bytes] = []
    reading = threading.Thread(target=lambda: echo.append(read_to_end(peer)), daemon=True)
    reading.start()
    peer.sendall(payload)
    peer.shutdown(socket.SHUT_WR)
    reading.join(DEADLINE_S)
    assert echo == [payload]


def resets_before_it_says_anything(peer: socket.socket, server: Endpoint) -> None:
    reset(peer)


def resets_after_its_echo(peer: socket.socket, server: Endpoint) -> None:
    assert round_trip(peer, b"hello")
    reset(peer)


def leaves_its_echo_unread(peer: socket.socket, server: Endpoint) -> None:
    peer.sendall(b"unread")
    server.wait_for("sent b'unread'")
    assert peer.recv(1) == b"u"


PEERS = (
    says_nothing,
    half_closes_at_once,
    sends_all_and_reads_to_the_end,
    asks_three_times_and_closes,
    sends_control_characters,
    sends_a_megabyte,
    resets_before_it_says_anything,
    resets_after_its_echo,
    leaves_its_echo_unread,
)


def one_peer_after_the_other(server: Endpoint, port: int) -> None:
    for count, behave in enumerate(PEERS, 1):
        with connect(port) as peer:
            server.wait_for("connection accepted", count=count)
            behave(peer, server)
        server.wait_for(ENDINGS, count=count)
    server.stop()


def one_peer_too_many(server: Endpoint, port: int) -> None:
    with connect(port) as first:
        assert round_trip(first)
        with connect(port) as second:
            assert is_cut(second)
        server.wait_for(ENDINGS)
        assert round_trip(first)
    server.wait_for(ENDINGS, count=2)
    with connect(port) as third:
        assert round_trip(third)
    server.wait_for(ENDINGS, count=3)
    server.stop()


def an_idle_peer(server: Endpoint, port: int) -> None:
    with connect(port) as peer:
        assert round_trip(peer)
        assert is_cut(peer)
    server.stop(signal.SIGINT)


def a_peer_that_goes_on_at_shutdown(server: Endpoint, port: int) -> None:
    with connect(port) as peer:
        assert round_trip(peer)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("closing server")
        assert round_trip(peer, b"still here")
    server.end()


def a_peer_that_outstays_the_grace(server: Endpoint, port: int) -> None:
    with connect(port) as peer:
        assert round_trip(peer)
        server.process.send_signal(signal.SIGTERM)
        assert is_cut(peer)
    server.end()


def a_second_signal(server: Endpoint, port: int) -> None:
    with connect(port) as peer:
        assert round_trip(peer)
        server.process.send_signal(signal.SIGINT)
        server.wait_for("closing server")
        server.process.send_signal(signal.SIGINT)
        assert is_cut(peer)
    server.end()


SERVER_PLAYS: dict[str, tuple[Callable[[Endpoint, int], None], tuple[str, ...]]] = {
    "one-peer-after-the-other": (one_peer_after_the_other, ()),
    "one-peer-too-many": (one_peer_too_many, ("--max-connections", "1")),
    "an-idle-peer": (an_idle_peer, ("--idle-timeout", "0.3")),
    "a-peer-that-goes-on-at-shutdown": (a_peer_that_goes_on_at_shutdown, ("--grace", "60")),
    "a-peer-that-outstays-the-grace": (a_peer_that_outstays_the_grace, ("--grace", "0")),
    "a-second-signal": (a_second_signal, ("--grace", "60")),
}


@pytest.mark.parametrize("play", SERVER_PLAYS)
def test_both_servers_tell_the_same_of_the_same_peers(loop, play):
    peers, options = SERVER_PLAYS[play]

    def run(api: str) -> Endpoint:
        with Endpoint(api, "server", "--host", HOST, "--port", "0", *options, *JSON, loop=loop) as server:
            peers(server, server.port())
        assert server.process.returncode == 0, server.log
        return server

    assert_alike(run)


def test_both_servers_tell_the_same_of_unix_peers(loop, tmp_path):
    path = str(tmp_path / "socket")

    def run(api: str) -> Endpoint:
        with Endpoint(api, "server", "--unix", path, *JSON, loop=loop) as server:
            server.wait_for("starting up")
            for count, behave in enumerate((says_nothing, sends_all_and_reads_to_the_end), 1):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.settimeout(DEADLINE_S)
                    peer.connect(path)
                    behave(peer, server)
                server.wait_for(ENDINGS, count=count)
            assert server.stop() == 0
        return server

    assert_alike(run)


def test_both_servers_tell_the_same_where_they_cannot_serve(loop):
    with socket.create_server((HOST, 0)) as taken:
        options = ("--host", HOST, "--port", str(taken.getsockname()[1]), *JSON)

        def run(api: str) -> Endpoint:
            with Endpoint(api, "server", *options, loop=loop) as server:
                assert server.end() == 1
            return server

        assert_alike(run)


# --- Clients ---


@pytest.mark.parametrize("wrong", WRONG)
def test_both_clients_tell_the_same_of_a_wrong_server(loop, wrong):
    script, options, _, _ = WRONG[wrong]

    def run(api: str) -> Endpoint:
        with one_shot_server(script) as port, client_of(api, loop, port, *options, *JSON) as client:
            assert client.end() == 1
        return client

    assert_alike(run)


def echoes(sock: socket.socket) -> None:
    sock.sendall(read_to_end(sock))


def echoes_byte_by_byte(sock: socket.socket) -> None:
    for byte in read_to_end(sock):
        sock.sendall(bytes([byte]))


def echoes_at_once(sock: socket.socket) -> None:
    while data := sock.recv(65536):
        sock.sendall(data)


RIGHT = {
    "after-everything": (echoes, ()),
    "byte-by-byte": (echoes_byte_by_byte, ()),
    "each-message": (echoes_at_once, ("--lockstep",)),
    "nothing": (echoes, ("--message", "")),
    "a-long-message": (echoes, ("--message", "long " * 10_000)),
    "strange-characters": (echoes, ("--message", "\n\x1b[2J\u2028é", "--pause", "0.01", "--message", "'\"\\")),
}


@pytest.mark.parametrize("right", RIGHT)
def test_both_clients_tell_the_same_of_a_right_server(loop, right):
    script, options = RIGHT[right]

    def run(api: str) -> Endpoint:
        with one_shot_server(script) as port, client_of(api, loop, port, *options, *JSON) as client:
            assert client.end() == 0, client.log
        return client

    assert_alike(run)


def test_both_clients_tell_the_same_of_a_server_that_speaks_first(loop):
    def speaks_first(sock: socket.socket) -> None:
        sock.sendall(b"hello")
        with contextlib.suppress(ConnectionResetError):
            read_to_end(sock)

    def run(api: str) -> Endpoint:
        with (
            silent_input() as silence,
            one_shot_server(speaks_first) as port,
            client_of(api, loop, port, "--file", "-", *JSON, stdin=silence) as client,
        ):
            assert client.end() == 1
        return client

    assert_alike(run)


def test_both_clients_tell_the_same_where_nobody_listens(loop):
    def run(api: str) -> Endpoint:
        with unused_port(HOST) as port, client_of(api, loop, port, *JSON) as client:
            assert client.end() == 1
        return client

    assert_alike(run)


def test_both_clients_tell_the_same_when_they_run_out_of_time(loop):
    def run(api: str) -> Endpoint:
        with silent_server() as port, client_of(api, loop, port, "--timeout", "1", *JSON) as client:
            assert client.end() == 1
        return client

    assert_alike(run)


def test_both_clients_tell_the_same_when_they_are_interrupted(loop):
    def run(api: str) -> Endpoint:
        with silent_server() as port, client_of(api, loop, port, *JSON) as client:
            client.wait_for("waiting")
            assert client.stop(signal.SIGINT) == 130
        return client

    assert_alike(run)
