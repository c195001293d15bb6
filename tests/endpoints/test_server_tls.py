"""What a server must do over TLS: a handshake that fails troubles nobody, and the limits hold there too."""

import random
import signal
import socket
import ssl

import pytest
from harness import (
    ENDING,
    Endpoint,
    assert_quiet,
    connect,
    endings,
    is_cut,
    read_all_back,
    reset,
    round_trip,
    send_until_stuck,
)

MIB = 1 << 20
PAYLOAD = random.Random(0).randbytes(64 * MIB)
"""More than the kernel's buffers of both sides hold."""


@pytest.fixture
def options(certificates):
    """What makes a server speak TLS."""
    return ("--port", "0", "--tls-cert", certificates.cert, "--tls-key", certificates.key)


@pytest.fixture
def trusting(certificates):
    """The context of a client that trusts the server's authority."""
    return ssl.create_default_context(cafile=certificates.ca)


@pytest.fixture
def server(api, loop, options):
    """A TLS server that must end in good order and without a word from asyncio."""
    with Endpoint(api, "server", *options, "--grace", "600", loop=loop) as server:
        server.port()
        yield server
        assert server.stop() == 0
        assert_quiet(server)


def connect_tls(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS peer with a deadline, after its handshake."""
    return context.wrap_socket(connect(port), server_hostname="localhost")


def client_hello(context: ssl.SSLContext) -> bytes:
    """The first bytes of a handshake."""
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def connections(server: Endpoint) -> set[str]:
    """The names of the connections that the log knows: none whose handshake has failed."""
    return {line.split(":")[0] for line in server.lines if line.startswith("echo_")}


def test_it_echoes_over_tls_and_closes_when_its_peer_closes(server, trusting):
    with connect_tls(server.port(), trusting) as peer:
        assert peer.version() in ("TLSv1.2", "TLSv1.3")
        assert round_trip(peer, PAYLOAD[:MIB])
        peer.unwrap().close()
    server.wait_for(ENDING)
    assert endings(server) == ["closing"]


# --- Handshakes that fail ---


def test_plain_text_on_a_tls_port_troubles_nobody(server, trusting):
    with connect_tls(server.port(), trusting) as bystander:
        with connect(server.port()) as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while not is_cut(peer):
                pass  # an alert of TLS may come first
        assert round_trip(bystander)
    server.wait_for(ENDING)
    assert endings(server) == ["closing"]
    assert len(connections(server)) == 1


def test_a_client_that_refuses_the_certificate_troubles_nobody(server, trusting):
    with connect_tls(server.port(), trusting) as bystander:
        for _ in range(3):
            with connect(server.port()) as plain, pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
        assert round_trip(bystander)
    with connect_tls(server.port(), trusting) as peer:
        assert round_trip(peer)
    server.wait_for(ENDING, count=2)
    assert endings(server) == ["closing"] * 2
    assert len(connections(server)) == 2


@pytest.mark.parametrize("end", [socket.socket.close, reset], ids=["closed", "reset"])
def test_a_peer_that_is_cut_in_the_handshake_troubles_nobody(server, trusting, end):
    hello = client_hello(trusting)
    with connect_tls(server.port(), trusting) as bystander:
        for length in (0, 1, 20, len(hello) - 1, len(hello)):
            peer = connect(server.port())
            peer.sendall(hello[:length])
            assert round_trip(bystander)
            end(peer)
            assert round_trip(bystander)
    server.wait_for(ENDING)
    assert endings(server) == ["closing"]


def test_a_handshake_that_does_not_go_on_is_ended(api, loop, options, trusting):
    impatient = "import common.config; common.config.TLS_HANDSHAKE_TIMEOUT_S = 0.3"
    with Endpoint(api, "server", *options, loop=loop, before=impatient) as server:
        with connect(server.port()) as silent, connect(server.port()) as halfway:
            halfway.sendall(client_hello(trusting)[:20])
            assert is_cut(silent)
            assert is_cut(halfway)
        assert server.stop() == 0
        assert connections(server) == set()
        assert_quiet(server)


def test_it_does_not_wait_for_handshakes_when_it_ends(server, trusting):
    silent, halfway = connect(server.port()), connect(server.port())
    halfway.sendall(client_hello(trusting)[:20])
    with connect_tls(server.port(), trusting) as peer:
        assert round_trip(peer)
    with silent, halfway:
        assert server.stop() == 0


# --- Client certificates ---


def test_it_serves_only_clients_with_a_certificate_where_it_demands_one(api, loop, options, certificates, trusting):
    trustme = pytest.importorskip("trustme", reason="trustme is not installed: pip install trustme")
    known = ssl.create_default_context(cafile=certificates.ca)
    known.load_cert_chain(certificates.client_cert, certificates.client_key)
    stranger = ssl.create_default_context(cafile=certificates.ca)
    trustme.CA().issue_cert("stranger@example.org").configure_cert(stranger)
    with Endpoint(api, "server", *options, "--tls-ca", certificates.ca, loop=loop) as server:
        with connect_tls(server.port(), known) as peer:
            assert round_trip(peer, b"known")
            for refused in (trusting, stranger):
                with connect_tls(server.port(), refused) as other:
                    assert is_cut(other)  # in TLS 1.3 a client learns of it only when it reads
            assert round_trip(peer, b"still known")
        server.wait_for(ENDING)
        assert server.stop() == 0
        assert server.log.count("connection accepted") == 1
        assert_quiet(server)


# --- Peers that leave ---


def test_a_reset_ends_only_its_own_tls_connection(server, trusting):
    with connect_tls(server.port(), trusting) as bystander:
        peer = connect_tls(server.port(), trusting)
        assert round_trip(peer)
        reset(peer)
        server.wait_for("connection lost: ConnectionResetError")
        assert round_trip(bystander)
    server.wait_for(ENDING, count=2)
    assert sorted(endings(server)) == ["closing", "connection lost: ConnectionResetError"]


def test_a_peer_that_leaves_without_a_word_of_tls_is_let_go(server, trusting):
    peer = connect_tls(server.port(), trusting)
    assert round_trip(peer)
    with socket.socket(fileno=peer.detach()) as plain:
        plain.shutdown(socket.SHUT_WR)
        server.wait_for(ENDING)
        assert len(endings(server)) == 1


def test_garbage_in_the_middle_ends_only_its_own_connection(server, trusting):
    with connect_tls(server.port(), trusting) as bystander:
        peer = connect_tls(server.port(), trusting)
        assert round_trip(peer)
        with socket.socket(fileno=peer.detach()) as plain:
            plain.sendall(b"this is no record of TLS")
            server.wait_for(ENDING)
        assert round_trip(bystander)
        assert len(endings(server)) == 1


def test_a_peer_that_vanishes_while_the_server_waits_for_it_to_read_is_let_go(server, trusting):
    with connect_tls(server.port(), trusting) as bystander:
        peer = connect_tls(server.port(), trusting)
        send_until_stuck(peer, PAYLOAD, bystander)
        reset(peer)
        server.wait_for(ENDING)
        assert round_trip(bystander)
    server.wait_for(ENDING, count=2)


# --- Limits ---


def test_memory_stays_bounded_while_a_tls_peer_sends_all_it_can_and_reads_nothing(server, trusting):
    with connect_tls(server.port(), trusting) as bystander, connect_tls(server.port(), trusting) as peer:
        assert round_trip(bystander)
        assert round_trip(peer)
        before_bytes = server.rss_bytes()
        sent = send_until_stuck(peer, PAYLOAD, bystander)
        assert server.peak_rss_bytes() - before_bytes <= 8 * MIB
        echo, whole = read_all_back(peer, PAYLOAD, sent)
        assert echo == whole
        assert server.peak_rss_bytes() - before_bytes <= 8 * MIB


def test_a_second_signal_cuts_tls_peers_at_once(api, loop, options, trusting):
    with Endpoint(api, "server", *options, "--grace", "600", loop=loop) as server:
        with connect_tls(server.port(), trusting) as silent, connect_tls(server.port(), trusting) as stuck:
            send_until_stuck(stuck, PAYLOAD, silent)
            server.process.send_signal(signal.SIGINT)
            server.wait_for("^main: closing server")
            assert round_trip(silent)
            assert server.stop() == 0
            assert is_cut(silent)
        assert endings(server) == ["still open at shutdown, cutting the connection"] * 2
        assert_quiet(server)


def test_it_cuts_a_tls_peer_that_sends_all_it_can_and_never_reads(api, loop, options, trusting):
    with Endpoint(api, "server", *options, "--idle-timeout", "1", loop=loop) as server:
        with connect_tls(server.port(), trusting) as peer:
            with pytest.raises((ConnectionError, ssl.SSLError)):
                peer.sendall(PAYLOAD)
            server.wait_for("nothing moved for 1 s, cutting the connection")
        assert server.stop() == 0
        assert_quiet(server)
