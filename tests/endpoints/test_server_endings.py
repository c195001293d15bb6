"""All ways in which a connection can end, on a server and on its peer: nothing is told of it after its end, and the
totals and digests of the end are those of its lines."""

import contextlib
import hashlib
import signal
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable

import pytest
from harness import (
    DEADLINE_S,
    HOST,
    Endpoint,
    assert_quiet,
    connect,
    is_cut,
    read_to_end,
    reset,
    round_trip,
    send_until_stuck,
)

ENDS = ("closing", "lost", "refused", "idle", "cut", "failed")
DIRECTIONS = {"received": "received", "sent": "sent", "sending": "sent"}
PAYLOAD = bytes(256) * (64 << 12)
"""64 MiB, more than the kernel's buffers of both sides hold."""


def stories(endpoint: Endpoint) -> dict[str, list[dict]]:
    """What an endpoint told in JSON of each connection, by its name."""
    told = defaultdict(list)
    for record in endpoint.records:
        if record["logger"].startswith("echo_"):
            told[record["logger"]].append(record)
    return told


def assert_told_to_the_end(endpoint: Endpoint) -> list[str]:
    """Each connection has one end, its last line, with the sums of the others. Returns the ends in their order."""
    ends = []
    for told in stories(endpoint).values():
        assert [record["event"] in ENDS for record in told] == [False] * (len(told) - 1) + [True], endpoint.log
        passed = {"received": 0, "sent": 0}
        for record in told[:-1]:
            if record["event"] in DIRECTIONS:
                direction = DIRECTIONS[record["event"]]
                assert record["offset"] == passed[direction], endpoint.log
                passed[direction] += record["length"]
        assert passed == {direction: told[-1][f"{direction}_bytes"] for direction in passed}, endpoint.log
        ends.append(told[-1]["event"])
    return ends


Place = Callable[[], socket.socket]


def says_goodbye(server: Endpoint, place: Place) -> None:
    with place() as peer:
        assert round_trip(peer)


def resets(server: Endpoint, place: Place) -> None:
    peer = place()
    assert round_trip(peer)
    reset(peer)


def leaves_it_unread(server: Endpoint, place: Place) -> None:
    with place() as peer, place() as bystander:
        send_until_stuck(peer, PAYLOAD, bystander)


def is_one_too_many(server: Endpoint, place: Place) -> None:
    with place() as first, place() as second:
        assert round_trip(first)
        assert round_trip(second)
        with place() as third:
            with contextlib.suppress(OSError):
                third.sendall(b"let me in")
            assert is_cut(third)


def is_silent(server: Endpoint, place: Place) -> None:
    with place() as peer:
        assert round_trip(peer)
        assert is_cut(peer)


def is_stuck_until_it_is_idle(server: Endpoint, place: Place) -> None:
    # Where the machine is busy both may be idle for so long.
    with place() as peer, place() as bystander, contextlib.suppress(OSError):
        send_until_stuck(peer, PAYLOAD, bystander)
        while round_trip(bystander):
            if any(record["event"] == "idle" for record in server.records):
                break
    server.wait_for('"event": "idle"')


def is_stuck_when_the_grace_runs_out(server: Endpoint, place: Place) -> None:
    with place() as peer, place() as bystander:
        send_until_stuck(peer, PAYLOAD, bystander)
        bystander.close()
        assert server.stop() == 0


def is_stuck_at_the_second_signal(server: Endpoint, place: Place) -> None:
    with place() as peer, place() as silent:
        send_until_stuck(peer, PAYLOAD, silent)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("closing server")
        assert server.stop() == 0


ENDINGS = {
    "closing": (says_goodbye, (), {"closing"}),
    "reset": (resets, (), {"lost"}),
    "unread": (leaves_it_unread, (), {"lost", "closing"}),
    "refused": (is_one_too_many, ("--max-connections", "2"), {"refused", "closing"}),
    "idle": (is_silent, ("--idle-timeout", "0.3"), {"idle"}),
    "stuck-idle": (is_stuck_until_it_is_idle, ("--idle-timeout", "0.5"), {"idle", "closing"}),
    "stuck-grace": (is_stuck_when_the_grace_runs_out, ("--grace", "0.2"), {"cut", "closing"}),
    "stuck-signal": (is_stuck_at_the_second_signal, ("--grace", "600"), {"cut"}),
}
"""What a peer does, the server's options, and how its connections may end."""


@pytest.mark.parametrize("transport", ["tcp", "unix", "tls"])
@pytest.mark.parametrize("name", ENDINGS)
def test_nothing_is_told_after_the_end_and_the_totals_are_the_sum_of_the_lines(
    api, loop, name, transport, request, tmp_path
):
    play, options, ends = ENDINGS[name]
    if name == "reset" and transport == "unix":
        pytest.skip("a Unix socket has no reset")
    to = ("--unix", str(tmp_path / "s")) if transport == "unix" else ("--host", HOST, "--port", "0")
    if transport == "tls":
        files = request.getfixturevalue("certificates")
        to += ("--tls-cert", files.cert, "--tls-key", files.key)

    def place() -> socket.socket:
        if transport == "unix":
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(DEADLINE_S)
            peer.connect(to[1])
            return peer
        peer = connect(server.port())
        if transport == "tls":
            return ssl.create_default_context(cafile=files.ca).wrap_socket(peer, server_hostname="localhost")
        return peer

    with Endpoint(api, "server", *to, *options, "--log-format", "json", loop=loop) as server:
        server.wait_for("starting up")
        play(server, place)
        if server.process.poll() is None:
            server.stop()
        assert server.end() == 0, server.log
        told = assert_told_to_the_end(server)
        assert set(told) <= ends, server.log
        assert ends & {"lost", "refused", "idle", "cut", "closing"} & set(told), server.log
        assert_quiet(server)


@pytest.mark.parametrize("options", [(), ("--timeout", "0.3")], ids=["eof", "timeout"])
def test_a_client_tells_nothing_after_its_end_either(api, loop, options):
    with socket.create_server((HOST, 0)) as listener:
        to = ("--host", HOST, "--port", str(listener.getsockname()[1]))
        with Endpoint(api, "client", *to, *options, "--log-format", "json", loop=loop) as client:
            peer, _ = listener.accept()
            with peer:
                echo = read_to_end(peer)
                peer.sendall(echo[:20])
                if options:
                    client.wait_for("timed out")
            assert client.end() == 1
            assert assert_told_to_the_end(client) == ["failed"]
            assert_quiet(client)


# --- Bytes that come in one piece with TLS's close_notify ---


def bytes_and_close_in_one(peer: socket.socket, context: ssl.SSLContext, payload: bytes) -> bytes:
    """Shake hands, then send the payload and close_notify in a single piece, as one arrival for the server. What it
    answers before its own end."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            peer.sendall(outgoing.read())
            incoming.write(peer.recv(1 << 16))
    peer.sendall(outgoing.read())
    tls.write(payload)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.unwrap()
    peer.sendall(outgoing.read())
    incoming.write(read_to_end(peer))
    incoming.write_eof()
    with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError):
        return tls.read()
    return b""


@pytest.mark.parametrize("read_size", ["65536", "7"])
def test_bytes_that_come_with_the_close_are_told_to_be_received_and_answered_where_that_is_possible(
    api, loop, read_size, certificates
):
    options = ("--tls-cert", certificates.cert, "--tls-key", certificates.key, "--read-size", read_size)
    payload = b"last words, and not a few"
    with Endpoint(api, "server", "--host", HOST, "--port", "0", *options, "--log-format", "json", loop=loop) as server:
        with connect(server.port()) as peer:
            answer = bytes_and_close_in_one(peer, ssl.create_default_context(cafile=certificates.ca), payload)
            server.wait_for('"event": "(closing|lost)"')
        assert server.stop() == 0
        assert_quiet(server)
    (told,) = stories(server).values()
    answered = api == "protocol"
    assert answer == (payload if answered else b"")
    assert told[-1]["event"] == ("closing" if answered else "lost")
    assert told[-1]["received_bytes"] == len(payload)
    assert told[-1]["received_digest"] == hashlib.blake2b(payload, digest_size=16).hexdigest()
    assert told[-1]["sent_bytes"] == (len(payload) if answered else 0)
    assert_told_to_the_end(server)
