"""All ways in which a client can end, as one table: it exits with 0 only where there was a connection, it came to an
end, and every byte came back. Whatever else happens, the last line says what."""

import contextlib
import os
import pty
import re
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from harness import (
    DEADLINE_S,
    HOST,
    Endpoint,
    assert_quiet,
    complaints,
    read_to_end,
    receive,
    reset,
)

Script = Callable[[socket.socket, threading.Event], object]
MESSAGE = b"x" * 46
WHOLE, EMPTY = ("--message", MESSAGE.decode()), ("--message", "")
SOON = ("--timeout", "0.5")


# --- What a server does to its client, which has sent MESSAGE, or nothing ---


def asked(sock: socket.socket) -> bytes:
    """What the client sends: all 46 bytes, or what comes before its end."""
    return receive(sock, len(MESSAGE))


def bids_farewell(sock: socket.socket) -> None:
    """Close in good order: over TLS with its own message, and only when the client has closed, too."""
    if isinstance(sock, ssl.SSLSocket):
        with contextlib.suppress(OSError):  # the client was first, and has gone
            sock.unwrap()


def echoes(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(asked(sock))
    assert read_to_end(sock) == b""
    bids_farewell(sock)


def closes_at_once(sock: socket.socket, gone: threading.Event) -> None:
    bids_farewell(sock)


def half_closes(sock: socket.socket, gone: threading.Event) -> None:
    sock.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == b""


def says_nothing(sock: socket.socket, gone: threading.Event) -> None:
    assert gone.wait(DEADLINE_S)


def resets_at_once(sock: socket.socket, gone: threading.Event) -> None:
    reset(sock)


def resets_after_the_eof(sock: socket.socket, gone: threading.Event) -> None:
    read_to_end(sock)
    reset(sock)


def resets_after_the_echo(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(read_to_end(sock))
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[24:28] != bytes(4):
        pass  # tcpi_unacked: the client's kernel has not got it all yet, and a reset would take it away
    reset(sock)


def ends_early(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(asked(sock)[:12])
    bids_farewell(sock)


def alters(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(asked(sock)[:30] + b"?" * 16)
    says_nothing(sock, gone)


def adds(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(asked(sock) + b"!")
    says_nothing(sock, gone)


def speaks_first(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(b"!")
    says_nothing(sock, gone)


def stops_after_the_echo(sock: socket.socket, gone: threading.Event) -> None:
    sock.sendall(asked(sock))
    says_nothing(sock, gone)


@dataclass(frozen=True)
class Row:
    """One way to end: what the client is asked for, what its server does, and then its exit code and last words."""

    options: tuple[str, ...]
    server: Script
    exit_code: int
    last_words: str
    transports: tuple[str, ...] = ("tcp", "unix", "tls")


def failed(reason: str, came_back: str) -> str:
    """The one line of an exchange that was not whole."""
    return rf"ERROR {reason}: {came_back} bytes came back from .+"


CLOSING, LOST = "closing", "connection lost: ConnectionResetError"
TCP = ("tcp",)
PLAIN = ("tcp", "unix")
TIMED_OUT = r"timed out after 0\.5 s"

ROWS = {
    "whole": Row(WHOLE, echoes, 0, CLOSING),
    "whole-then-reset": Row(WHOLE, resets_after_the_echo, 0, f"{LOST}|{CLOSING}", TCP),
    "whole-without-an-end": Row((*WHOLE, *SOON), stops_after_the_echo, 1, failed(TIMED_OUT, "46 of 46")),
    "silence": Row((*WHOLE, *SOON), says_nothing, 1, failed(TIMED_OUT, "0 of 46")),
    "reset-at-once": Row(WHOLE, resets_at_once, 1, failed("connection reset", "0 of 46"), TCP),
    "reset-unanswered": Row(WHOLE, resets_after_the_eof, 1, failed("connection reset", "0 of 46"), TCP),
    "ends-early": Row(WHOLE, ends_early, 1, failed("ended early", "12 of 46")),
    "altered": Row(WHOLE, alters, 1, failed("altered at byte 30", "30 of 46")),
    "extra": Row(WHOLE, adds, 1, failed("extra bytes from byte 46 on", "46 of 46")),
    "empty": Row(EMPTY, echoes, 0, CLOSING),
    "empty-closed-at-once": Row(EMPTY, closes_at_once, 0, CLOSING),
    "empty-half-closed": Row(EMPTY, half_closes, 0, CLOSING, PLAIN),
    "empty-silence": Row((*EMPTY, *SOON), says_nothing, 1, failed(TIMED_OUT, "0 of 0")),
    "empty-reset-at-once": Row(EMPTY, resets_at_once, 1, failed("connection reset", "0 of 0"), TCP),
    "empty-reset-after-the-eof": Row(EMPTY, resets_after_the_eof, 1, failed("connection reset", "0 of 0"), TCP),
    "empty-extra": Row(EMPTY, speaks_first, 1, failed("extra bytes from byte 0 on", "0 of 0"), PLAIN),
}
"""Rows with a server. Over a Unix socket there is no reset; over TLS no half-close, and no word after the client's."""

MET = [pytest.param(name, transport, id=f"{name}-{transport}") for name in ROWS for transport in ROWS[name].transports]


@contextlib.contextmanager
def serving(
    script: Script, transport: str, request: pytest.FixtureRequest, connections: int = 1
) -> Iterator[tuple[str, ...]]:
    """A raw server that does `script` to each of its clients; yields the options that lead a client to it. A script is
    given the connection, and what tells it that the client has ended."""
    errors: list[BaseException] = []
    gone = threading.Event()
    to = ()
    if transport == "unix":
        path = str(request.getfixturevalue("tmp_path") / "socket")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        to = ("--unix", path)
    else:
        listener = socket.create_server((HOST, 0))
        to = ("--host", HOST, "--port", str(listener.getsockname()[1]))
    if transport == "tls":
        files = request.getfixturevalue("certificates")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.cert, files.key)
        to += ("--tls-ca", files.ca)

    def serve() -> None:
        try:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(DEADLINE_S)
                with context.wrap_socket(sock, server_side=True) if transport == "tls" else sock as peer:
                    script(peer, gone)
        except BaseException as error:
            errors.append(error)

    with listener:
        listener.settimeout(DEADLINE_S)
        threads = [threading.Thread(target=serve, daemon=True) for _ in range(connections)]
        for thread in threads:
            thread.start()
        yield to
        gone.set()
        for thread in threads:
            thread.join(DEADLINE_S)
    if errors:
        raise errors[0]


def assert_ends(client: Endpoint, exit_code: int, last_words: str) -> None:
    """It ends with this exit code after one line that says how, and goes in good order."""
    assert client.end() == exit_code, client.log
    assert client.lines[-1] == "main: closing event loop"
    assert re.fullmatch(f"echo_client: ({last_words})", client.lines[-2]), client.log
    assert complaints(client) == [line for line in client.lines[-2:-1] if exit_code == 1]
    assert_quiet(client)


@pytest.mark.parametrize(("name", "transport"), MET)
def test_a_client_ends_as_its_server_has_it(api, loop, name, transport, request):
    row = ROWS[name]
    with (
        serving(row.server, transport, request) as to,
        Endpoint(api, "client", *to, *row.options, loop=loop) as client,
    ):
        assert_ends(client, row.exit_code, row.last_words)


# --- Nobody there ---


@contextlib.contextmanager
def nobody(*options: str) -> Iterator[tuple[str, ...]]:
    yield options


@contextlib.contextmanager
def refuses() -> Iterator[tuple[str, ...]]:
    """A port that is taken, and on which nobody listens."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        yield ("--host", HOST, "--port", str(sock.getsockname()[1]))


@contextlib.contextmanager
def accepts_nobody() -> Iterator[tuple[str, ...]]:
    """A listener whose queue is full: the kernel ignores whoever tries to connect now."""
    with (
        socket.create_server((HOST, 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname(), DEADLINE_S),
    ):
        yield ("--host", HOST, "--port", str(listener.getsockname()[1]), *SOON)


@contextlib.contextmanager
def shakes_no_hands() -> Iterator[tuple[str, ...]]:
    """A listener that the kernel connects clients to, and where nobody answers."""
    with socket.create_server((HOST, 0)) as listener:
        yield ("--host", HOST, "--port", str(listener.getsockname()[1]), "--tls-server-name", "localhost", *SOON)


UNKNOWN_NAME = "no-such-host.invalid"
"""A name of a kind that is never given to anybody (RFC 6761)."""

NOBODY = {
    "refused": (refuses, "connection refused"),
    "unknown-host": (lambda: nobody("--host", UNKNOWN_NAME, "--port", "7"), "name not found"),
    "no-such-socket": (lambda: nobody("--unix", "/nowhere/at/all"), "no such file or directory"),
    "never-accepted": (accepts_nobody, TIMED_OUT),
    "no-handshake": (shakes_no_hands, TIMED_OUT),
}
"""Where there is no connection: how that comes, and the reason that is given."""


@pytest.mark.parametrize("size", [0, 46])
@pytest.mark.parametrize("name", NOBODY)
def test_without_a_connection_a_client_fails_however_little_it_has_to_send(api, loop, name, size):
    place, reason = NOBODY[name]
    with place() as to, Endpoint(api, "client", *to, "--message", "x" * size, loop=loop) as client:
        assert_ends(client, 1, failed(reason, f"0 of {size}"))


@pytest.mark.parametrize("size", [0, 46])
def test_without_trust_in_the_certificate_it_fails_however_little_it_has_to_send(
    api, loop, size, certificates, request
):
    def is_refused(sock: socket.socket, gone: threading.Event) -> None:
        raise AssertionError("the client has accepted the certificate")

    with contextlib.suppress(ssl.SSLError), serving(is_refused, "tls", request) as to:
        options = (*to[:-1], certificates.other_ca, "--message", "x" * size)
        with Endpoint(api, "client", *options, loop=loop) as client:
            assert_ends(client, 1, failed(r"certificate not accepted \(.+\)", f"0 of {size}"))


def test_a_client_whose_own_certificate_is_missing_fails(api, loop, certificates):
    # In TLS 1.3 the client takes the handshake for done before the server has looked at its certificate; one that has
    # nothing to send cannot know what came of it.
    demands = ("--tls-cert", certificates.cert, "--tls-key", certificates.key, "--tls-ca", certificates.ca)
    with Endpoint(api, "server", "--host", HOST, "--port", "0", *demands, loop=loop) as server:
        to = ("--host", HOST, "--port", str(server.port()), "--tls-ca", certificates.ca)
        with Endpoint(api, "client", *to, *WHOLE, loop=loop) as client:
            assert_ends(client, 1, failed(r"(TLS failed \(.+\)|connection reset|ended early)", "0 of 46"))


# --- Several connections, files, Ctrl-C ---


@pytest.mark.parametrize("message", [WHOLE, EMPTY], ids=["whole", "empty"])
def test_one_connection_that_fails_spoils_the_exit_code_of_all(api, loop, message, request):
    first = threading.Lock()

    def fails_once(sock: socket.socket, gone: threading.Event) -> None:
        if first.acquire(blocking=False):
            read_to_end(sock)
            reset(sock)
        else:
            echoes(sock, gone)

    options = (*message, "--connections", "3")
    with serving(fails_once, "tcp", request, 3) as to, Endpoint(api, "client", *to, *options, loop=loop) as client:
        assert client.end() == 1, client.log
        assert len(complaints(client)) == 1
        assert sum(line.endswith(": closing") for line in client.lines) == 2
        assert_quiet(client)


def test_a_file_that_fails_in_the_middle_is_told_with_what_came_back_until_then(api, loop, request):
    def echoes_all(sock: socket.socket, gone: threading.Event) -> None:
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(1 << 16):
                sock.sendall(data)

    # A terminal whose other end has closed: it reads what was written, and then fails.
    master, terminal = pty.openpty()
    with serving(echoes_all, "tcp", request) as to, contextlib.ExitStack() as cleanup:
        cleanup.callback(os.close, master)
        os.write(terminal, b"some words\n")
        options = ("--file", "-", *SOON)
        with Endpoint(api, "client", *to, *options, loop=loop, stdin=master) as client:
            client.wait_for("received")
            os.close(terminal)
            assert_ends(client, 1, failed(r"cannot read '-' \(Input/output error\)", "12 of 12"))


def test_ctrl_c_is_neither_success_nor_failure(api, loop, request):
    with (
        serving(stops_after_the_echo, "tcp", request) as to,
        Endpoint(api, "client", *to, *WHOLE, loop=loop) as client,
    ):
        client.wait_for("received")
        assert client.stop(signal.SIGINT) == 130, client.log
        assert complaints(client) == []
        assert client.lines[-1] == "main: closing event loop"
        assert_quiet(client)
