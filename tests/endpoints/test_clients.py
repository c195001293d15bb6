"""What every client says of a server that is absent, late, rude or wrong: each is one line that tells the truth."""

import asyncio
import contextlib
import errno
import functools
import importlib
import itertools
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import APIS
from harness import (
    DEADLINE_S,
    HOST,
    ROOT,
    TUTORIAL,
    Endpoint,
    assert_fails,
    assert_interrupted,
    assert_quiet,
    client_of,
    complaints,
    one_shot_server,
    read_to_end,
    receive,
    reset,
    silent_input,
)

from common.client import connect_all, describe, run_client
from common.config import UNIX_PATH_BYTES, ClientConfig
from common.loops import loop_factory
from common.server import run_server

MESSAGES = (b"This is the message. ", b"It will be sent ", b"in parts.")


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """A listener that the kernel connects clients to, and where nobody ever accepts, reads or answers."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def full_server() -> Iterator[int]:
    """A listener whose queue is full: the kernel ignores whoever tries to connect now."""
    with socket.create_server((HOST, 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, DEADLINE_S):
            yield address[1]


@contextlib.contextmanager
def unused_port(*hosts: str) -> Iterator[int]:
    """A port on which nobody listens and that nobody else can take meanwhile, the same on each of `hosts`."""
    with contextlib.ExitStack() as held:
        while True:
            port = 0
            try:
                for host in hosts:
                    sock = held.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
                    sock.bind((host, port))
                    port = sock.getsockname()[1]
                break
            except OSError as error:  # what is free on the first may be taken on the next
                if error.errno != errno.EADDRINUSE:
                    raise
        yield port


# --- Nobody there ---


def test_a_refused_connection_is_said_to_be_refused(api, loop):
    with unused_port(HOST) as port, client_of(api, loop, port) as client:
        assert_fails(client, "connection refused", "0 of 46", f"{HOST} port {port}")


def test_a_name_with_two_addresses_that_both_refuse_is_said_to_be_refused(api, loop, caplog):
    # No host means this machine: ::1 and 127.0.0.1. asyncio then raises an OSError without errno.
    with unused_port("::1", HOST) as port:
        config = ClientConfig(host=None, port=port)
        echo_client = importlib.import_module(f"{api}_impl.client").echo_client
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            assert runner.run(connect_all(config, echo_client, {})) == 1
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [f"ERROR connection refused: 0 of 46 bytes came back from {config.address}"]


def test_a_name_that_does_not_exist_is_said_not_to_be_found(api, loop):
    # Longer than the 253 that the DNS allows: no resolver needs to ask a server to know that it does not exist.
    name = ".".join(["name"] * 51)
    with Endpoint(api, "client", "--host", name, "--port", "7", loop=loop) as client:
        assert_fails(client, "name not found", "0 of 46", f"{name} port 7")


def test_a_unix_socket_that_does_not_exist_is_said_not_to_exist(api, loop, tmp_path):
    path = str(tmp_path / "nobody")
    with Endpoint(api, "client", "--unix", path, loop=loop) as client:
        assert_fails(client, "no such file or directory", "0 of 46", path)


def test_a_unix_socket_that_a_dead_server_left_is_said_to_refuse(api, loop, tmp_path):
    path = str(tmp_path / "dead")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with Endpoint(api, "client", "--unix", path, loop=loop) as client:
        assert_fails(client, "connection refused", "0 of 46", path)


def test_a_client_without_a_file_descriptor_is_told_what_to_do():
    error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    assert describe(error) == "too many open files; give fewer --connections, or raise the limit (ulimit -n)"


# --- A server that does it wrong ---


def too_little(sock: socket.socket) -> None:
    sock.sendall(read_to_end(sock)[:12])


def nothing(sock: socket.socket) -> None:
    read_to_end(sock)


def altered(sock: socket.socket) -> None:
    data = bytearray(read_to_end(sock))
    data[30] ^= 1
    sock.sendall(data)


def backwards(sock: socket.socket) -> None:
    sock.sendall(read_to_end(sock)[::-1])


def too_much(sock: socket.socket) -> None:
    sock.sendall(read_to_end(sock) + b"!!!")


def closes_after_one_message(sock: socket.socket) -> None:
    receive(sock, len(MESSAGES[0]))


def closes_after_one_echo(sock: socket.socket) -> None:
    sock.sendall(receive(sock, len(MESSAGES[0])))
    receive(sock, len(MESSAGES[1]))


def ends_before_it_answers(sock: socket.socket) -> None:
    receive(sock, len(MESSAGES[0]))
    sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionResetError):
        assert read_to_end(sock) == b""


def resets_after_one_echo(sock: socket.socket) -> None:
    sock.sendall(receive(sock, len(MESSAGES[0])))
    receive(sock, len(MESSAGES[1]))
    reset(sock)


def resets_instead_of_an_answer(sock: socket.socket) -> None:
    read_to_end(sock)
    reset(sock)


Script = Callable[[socket.socket], None]
WRONG: dict[str, tuple[Script, tuple[str, ...], str, int]] = {
    "echoes-too-little": (too_little, (), "ended early", 12),
    "echoes-nothing": (nothing, (), "ended early", 0),
    "alters-a-byte": (altered, (), "altered at byte 30", 30),
    "echoes-backwards": (backwards, (), "altered at byte 0", 0),
    "echoes-too-much": (too_much, (), "extra bytes from byte 46 on", 46),
    "closes-after-one-message": (closes_after_one_message, ("--lockstep",), "ended early", 0),
    "closes-after-one-echo": (closes_after_one_echo, ("--lockstep",), "ended early", 21),
    "ends-before-it-answers": (ends_before_it_answers, ("--lockstep",), "ended early", 0),
    "resets-after-one-echo": (resets_after_one_echo, ("--lockstep",), "connection reset", 21),
    "resets-instead-of-an-answer": (resets_instead_of_an_answer, (), "connection reset", 0),
}
"""Scripts of a server: what it does, the client's options, the reason that the client gives, what came back right."""


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_echo_is_told_as_it_is(api, loop, wrong):
    script, options, reason, returned = WRONG[wrong]
    with one_shot_server(script) as port, client_of(api, loop, port, *options) as client:
        assert_fails(client, reason, f"{returned} of 46", f"{HOST} port {port}")


def test_bytes_that_nobody_asked_for_are_extra(api, loop):
    def speaks_first(sock: socket.socket) -> None:
        sock.sendall(b"hello")
        with contextlib.suppress(ConnectionResetError):
            assert read_to_end(sock) == b""

    with (
        silent_input() as silence,
        one_shot_server(speaks_first) as port,
        client_of(api, loop, port, "--file", "-", stdin=silence) as client,
    ):
        assert_fails(client, "extra bytes from byte 0 on", "0 of 0", f"{HOST} port {port}")


@pytest.mark.parametrize("options", [(), ("--message", "x"), ("--lockstep",)], ids=["three", "one", "lockstep"])
def test_a_server_that_closes_at_once_is_never_a_riddle(api, loop, options):
    def closes_at_once(sock: socket.socket) -> None:
        pass

    with one_shot_server(closes_at_once) as port, client_of(api, loop, port, *options) as client:
        # Whether the FIN or the answer to the first bytes comes first is up to the kernel.
        assert client.end() == 1
        [line] = complaints(client)
        size = 1 if "x" in options else 46
        assert line in [
            f"echo_client: ERROR {reason}: 0 of {size} bytes came back from {HOST} port {port}"
            for reason in ("ended early", "connection reset")
        ]
        assert_quiet(client)


# --- A server that is slow, or odd, and right ---


def test_an_answer_byte_by_byte_is_a_whole_echo(api, loop):
    def one_by_one(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in read_to_end(sock):
            sock.sendall(bytes([byte]))

    with one_shot_server(one_by_one) as port, client_of(api, loop, port) as client:
        assert client.end() == 0, client.log
        assert client.lines[-2:] == ["echo_client: closing", "main: closing event loop"]
        assert_quiet(client)


def test_a_whole_echo_counts_even_where_a_reset_follows(api, loop):
    whole = threading.Event()

    def resets_after_the_echo(sock: socket.socket) -> None:
        sock.sendall(read_to_end(sock))
        assert whole.wait(DEADLINE_S)
        reset(sock)

    with one_shot_server(resets_after_the_echo) as port, client_of(api, loop, port) as client:
        client.wait_for(r"received b'.*in parts\.'")
        whole.set()
        assert client.end() == 0, client.log
        assert client.lines[-2] == "echo_client: connection lost: ConnectionResetError"
        assert complaints(client) == []
        assert_quiet(client)


def test_a_whole_echo_without_an_end_is_told_as_a_time_out(api, loop):
    ended = threading.Event()

    def never_closes(sock: socket.socket) -> None:
        sock.sendall(read_to_end(sock))
        assert ended.wait(DEADLINE_S)

    with one_shot_server(never_closes) as port, client_of(api, loop, port, "--timeout", "1") as client:
        assert_fails(client, "timed out after 1 s", "46 of 46", f"{HOST} port {port}")
        ended.set()


def test_no_bytes_at_all_are_a_whole_echo(api, loop):
    received = []
    with (
        one_shot_server(lambda sock: received.append(read_to_end(sock))) as port,
        client_of(api, loop, port, "--message", "") as client,
    ):
        assert client.end() == 0, client.log
        assert [line for line in client.lines if "sending" in line] == []
        assert_quiet(client)
    assert received == [b""]


# --- Patience ---

WAITS = {
    "connect": (full_server, ()),
    "handshake": (silent_server, ("--tls-server-name", "localhost")),
    "echo": (silent_server, ()),
    "lockstep": (silent_server, ("--lockstep",)),
}
"""What a client may wait for in vain: a server that keeps it waiting, and the options that lead there."""


@pytest.mark.parametrize("wait", WAITS)
def test_it_gives_up_after_the_timeout(api, loop, wait):
    server, options = WAITS[wait]
    with server() as port, client_of(api, loop, port, *options, "--timeout", "0.2") as client:
        assert_fails(client, "timed out after 0.2 s", "0 of 46", f"{HOST} port {port}")


def test_it_tells_how_much_had_come_back_when_it_gave_up(api, loop):
    ended = threading.Event()

    def stops_halfway(sock: socket.socket) -> None:
        sock.sendall(receive(sock, len(MESSAGES[0])))
        assert ended.wait(DEADLINE_S)

    options = ("--lockstep", "--timeout", "1.5")
    with one_shot_server(stops_halfway) as port, client_of(api, loop, port, *options) as client:
        assert_fails(client, "timed out after 1.5 s", "21 of 46", f"{HOST} port {port}")
        ended.set()


# --- Ctrl-C ---


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_the_wait(api, loop, wait):
    server, options = WAITS[wait]
    sign = {"connect": "connecting", "handshake": "connecting", "echo": "waiting for response", "lockstep": "sending"}
    with server() as port, client_of(api, loop, port, *options) as client:
        client.wait_for(sign[wait])
        assert_interrupted(client)


def test_ctrl_c_ends_a_pause(api, loop):
    with silent_server() as port, client_of(api, loop, port, "--pause", "3600") as client:
        client.wait_for("sending")
        assert_interrupted(client)


@pytest.mark.parametrize("api", APIS)
def test_ctrl_c_is_heard_while_the_loop_sleeps_whichever_thread_gets_it(api):
    # The system may give a signal to any thread. Then nothing interrupts the wait of asyncio's loop in the main one.
    # The other thread has its turn when the main one gives it up, and that is inside the wait.
    other_thread_gets_it = f"""
import selectors, signal, sys, threading
from {api}_impl.client import main

select = selectors.DefaultSelector.select
in_the_pause = threading.Event()

def selects(selector, timeout=None):
    if timeout is not None and timeout > 1:
        in_the_pause.set()
    return select(selector, timeout)

def get():
    in_the_pause.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

selectors.DefaultSelector.select = selects
sys.setswitchinterval(60)
threading.Thread(target=get, daemon=True).start()
sys.exit(main())
"""
    with silent_server() as port:
        options = ("--port", str(port), "--loop", "asyncio", "--pause", "3600")
        command = [sys.executable, "-c", other_thread_gets_it, *options]
        client = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert client.returncode == 130, client.stderr
    assert client.stderr.splitlines()[-1] == "main: closing event loop"
    assert "Traceback" not in client.stderr


def test_ctrl_c_ends_a_transfer(api, loop, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(32 << 20))
    got = threading.Event()

    def reads_for_ever(sock: socket.socket) -> None:
        assert receive(sock, 1 << 20)
        got.set()
        with contextlib.suppress(ConnectionResetError):
            read_to_end(sock)

    options = ("--file", str(path), "--log-level", "info")
    with one_shot_server(reads_for_ever) as port, client_of(api, loop, port, *options) as client:
        assert got.wait(DEADLINE_S)
        assert_interrupted(client)


def test_ctrl_c_ends_all_connections(api, loop):
    with silent_server() as port, client_of(api, loop, port, "--connections", "5") as client:
        client.wait_for("waiting for response", count=5)
        assert_interrupted(client)


# --- How it sends ---


def test_in_lockstep_each_message_waits_for_the_echo_of_the_one_before(api, loop):
    heard = []

    def answers_each(sock: socket.socket) -> None:
        while data := sock.recv(65536):
            heard.append(data)
            sock.sendall(data)

    with one_shot_server(answers_each) as port, client_of(api, loop, port, "--lockstep") as client:
        assert client.end() == 0, client.log
    assert heard == list(MESSAGES)
    exchange = [line for line in client.lines if "sending" in line or "received b" in line]
    assert exchange == [f"echo_client: {verb} {message}" for message in MESSAGES for verb in ("sending", "received")]


def test_a_pause_stands_between_two_messages_and_nowhere_else(api, loop):
    # The pauses are counted in the client itself, where asyncio.sleep() is replaced by one that takes no time.
    counting = """
import asyncio, functools, sys
sleep = asyncio.sleep
async def counted(delay, *args):
    if delay == 777:
        print("pause", file=sys.stderr, flush=True)
        delay = 0
    await sleep(delay, *args)
asyncio.sleep = counted
"""
    with (
        one_shot_server(lambda sock: sock.sendall(read_to_end(sock))) as port,
        client_of(api, loop, port, "--pause", "777", "--message", "", "--message", "a", before=counting) as no_pause,
    ):
        assert no_pause.end() == 0, no_pause.log
    with (
        one_shot_server(lambda sock: sock.sendall(read_to_end(sock))) as port,
        client_of(api, loop, port, "--pause", "777", before=counting) as client,
    ):
        assert client.end() == 0, client.log
    sent = [f"echo_client: sending {message}" for message in MESSAGES]
    assert "pause" not in no_pause.lines
    assert [line for line in client.lines if "sending" in line or line == "pause"] == [
        sent[0],
        "pause",
        sent[1],
        "pause",
        sent[2],
    ]


def test_a_pause_takes_the_time_that_was_asked_for(api, loop):
    options = ("--pause", "0.05", "--log-format", "json")
    with (
        one_shot_server(lambda sock: sock.sendall(read_to_end(sock))) as port,
        client_of(api, loop, port, *options) as client,
    ):
        assert client.end() == 0, client.log
    times_ns = [record["t_ns"] for record in client.records if record["event"] == "sending"]
    assert len(times_ns) == 3
    # A clock may tick as rarely as once in a millisecond.
    assert all(later - earlier >= 49_000_000 for earlier, later in itertools.pairwise(times_ns))


def test_several_connections_each_send_it_all_under_a_name_of_their_own(api, loop):
    names = [f"echo_client_{n}" for n in range(1, 6)]
    with Endpoint(api, "server", "--host", HOST, "--port", "0", loop=loop) as server:
        options = ("--connections", "5", "--log-format", "json")
        with client_of(api, loop, server.port(), *options) as client:
            assert client.end() == 0, client.log
        server.stop()
    ends = {record["logger"]: record["received_bytes"] for record in client.records if record["event"] == "closing"}
    assert ends == dict.fromkeys(names, len(TUTORIAL))
    assert {record["logger"] for record in client.records if record["event"] == "sending"} == set(names)
    assert sum("connection accepted" in line for line in server.lines) == 5


def test_one_failed_connection_of_several_fails_alone_and_the_client_as_a_whole(api, loop):
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(DEADLINE_S)
        port = listener.getsockname()[1]
        with client_of(api, loop, port, "--connections", "3") as client:
            peers = [listener.accept()[0] for _ in range(3)]
            for peer in peers:
                peer.settimeout(DEADLINE_S)
            first, *others = peers
            read_to_end(first)
            first.close()
            client.wait_for("ERROR")
            for peer in others:
                peer.sendall(read_to_end(peer))
                peer.close()
            assert client.end() == 1
        [line] = complaints(client)
        assert line.endswith(f": ERROR ended early: 0 of 46 bytes came back from {HOST} port {port}")
        assert line.split(":")[0] in {"echo_client_1", "echo_client_2", "echo_client_3"}
        assert sum(line.endswith(": closing") for line in client.lines) == 2
        assert_quiet(client)


# --- TLS ---


@contextlib.contextmanager
def tls_server(api: str, loop: str, *options: str) -> Iterator[int]:
    """A server that stays healthy, and quiet, whatever its clients' handshakes come to."""
    with Endpoint(api, "server", "--host", HOST, "--port", "0", *options, loop=loop) as server:
        yield server.port()
        assert server.stop() == 0
        assert_quiet(server)


def test_a_certificate_of_an_unknown_authority_is_not_accepted(api, loop, certificates):
    with (
        tls_server(api, loop, "--tls-cert", certificates.cert, "--tls-key", certificates.key) as port,
        client_of(api, loop, port, "--tls-ca", certificates.other_ca) as client,
    ):
        reason = "certificate not accepted (unable to get local issuer certificate)"
        assert_fails(client, reason, "0 of 46", f"{HOST} port {port}")


def test_a_certificate_for_another_name_is_not_accepted(api, loop, certificates):
    with (
        tls_server(api, loop, "--tls-cert", certificates.cert, "--tls-key", certificates.key) as port,
        client_of(api, loop, port, "--tls-ca", certificates.ca, "--tls-server-name", "example.org") as client,
    ):
        reason = "certificate not accepted (Hostname mismatch, certificate is not valid for 'example.org'.)"
        assert_fails(client, reason, "0 of 46", f"{HOST} port {port}")


def assert_fails_somehow(client: Endpoint, port: int, *reasons: str) -> None:
    """As assert_fails, where the kernel's timing chooses between reasons that are all true. No byte came back."""
    assert client.end() == 1, client.log
    [line] = complaints(client)
    assert line in [
        f"echo_client: ERROR {reason}: 0 of 46 bytes came back from {HOST} port {port}" for reason in reasons
    ]
    assert_quiet(client)


@pytest.mark.parametrize("shown", ["no-certificate", "certificate-of-another-authority"])
def test_a_server_that_wants_a_client_certificate_turns_others_away(api, loop, certificates, shown, tmp_path):
    trustme = pytest.importorskip("trustme")
    own = ("--tls-cert", certificates.cert, "--tls-key", certificates.key, "--tls-ca", certificates.ca)
    options, alert = [], "tlsv13 alert certificate required"
    if shown != "no-certificate":
        stranger = trustme.CA().issue_cert("stranger@example.org").private_key_and_cert_chain_pem
        stranger.write_to_path(tmp_path / "stranger.pem")
        options, alert = ["--tls-cert", str(tmp_path / "stranger.pem")], "tlsv1 alert unknown ca"
    with (
        tls_server(api, loop, *own) as port,
        client_of(api, loop, port, "--tls-ca", certificates.ca, *options) as client,
    ):
        # In TLS 1.3 the client is done with its handshake before the server has looked: the alert races the end.
        assert_fails_somehow(client, port, f"TLS failed ({alert})", "connection reset", "ended early")


def test_a_tls_client_of_a_plain_server_says_that_tls_failed(api, loop):
    with (
        Endpoint(api, "server", "--host", HOST, "--port", "0", "--log-level", "info", loop=loop) as server,
        client_of(api, loop, server.port(), "--tls-server-name", "localhost") as client,
    ):
        # Its own greeting comes back to it.
        assert_fails(client, "TLS failed (unexpected message)", "0 of 46", f"{HOST} port {server.port()}")


def test_a_plain_client_of_a_tls_server_gets_no_echo(api, loop, certificates):
    with (
        tls_server(api, loop, "--tls-cert", certificates.cert, "--tls-key", certificates.key) as port,
        client_of(api, loop, port) as client,
    ):
        # Some versions of OpenSSL answer with an alert, which is no echo either.
        assert_fails_somehow(client, port, "ended early", "connection reset", "altered at byte 0")


def test_a_tls_server_that_echoes_too_little_is_told_as_it_is(api, loop, certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert, certificates.key)

    def too_little_over_tls(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(receive(tls, len(TUTORIAL))[:12])
            with contextlib.suppress(OSError):
                tls.unwrap()  # says that this is all; the client need not answer, since it gives up

    with (
        one_shot_server(too_little_over_tls) as port,
        client_of(api, loop, port, "--tls-ca", certificates.ca) as client,
    ):
        assert_fails(client, "ended early", "12 of 46", f"{HOST} port {port}")


# --- Bad options ---

LONG_PATH = "x" * (UNIX_PATH_BYTES + 1)
BAD_BOTH = {
    "port-too-large": ("--port 70000", "give a whole number from 0 to 65535"),
    "port-negative": ("--port=-1", "give a whole number from 0 to 65535"),
    "port-a-word": ("--port ten", "give a whole number from 0 to 65535"),
    "port-a-fraction": ("--port 1.5", "give a whole number from 0 to 65535"),
    "unix-and-port": ("--unix somewhere --port 7", "leave those out"),
    "unix-and-host": ("--unix somewhere --host localhost", "leave those out"),
    "unix-empty": ("--unix=", "give one of at least 1 character"),
    "unix-too-long": (f"--unix {LONG_PATH}", f"has {UNIX_PATH_BYTES + 1} bytes: use one of at most {UNIX_PATH_BYTES}"),
    "host-part-too-long": (f"--host {'x' * 64}", "1 to 63 in each part between dots"),
    "host-part-empty": ("--host a..b", "1 to 63 in each part between dots"),
    "loop-unknown": ("--loop turbo", "choose asyncio, uvloop, rloop, "),
    "loop-not-installed": (
        "--loop turbo_loop:new",
        "no module 'turbo_loop'; name one that Python finds",
    ),
    "loop-without-such-a-name": ("--loop asyncio:turbo", "name the one that makes a loop"),
    "loop-not-a-function": ("--loop asyncio:__doc__", "name the one that makes a loop"),
    "read-size-zero": ("--read-size 0", "a whole number from 1 to 2147483647"),
    "read-size-a-word": ("--read-size large", "a whole number from 1 to 2147483647"),
    "log-level-unknown": ("--log-level loud", "debug"),
    "log-format-unknown": ("--log-format xml", "json"),
    "option-unknown": ("--colour red", "--help"),
    "option-abbreviated": ("--por 7", "--help"),
    "key-without-certificate": ("--tls-key key.pem", "add --tls-cert FILE"),
    "certificate-missing": ("--tls-cert /nowhere.pem", "give a PEM file"),
    "certificate-of-nonsense": (f"--tls-cert {__file__}", "give a PEM file"),
}
BAD_SERVER = BAD_BOTH | {
    "backlog-zero": ("--backlog 0", "a whole number from 1 to 2147483647"),
    "backlog-too-large": ("--backlog 2147483648", "a whole number from 1 to 2147483647"),
    "max-connections-zero": ("--max-connections 0", "a whole number from 1 to 2147483647"),
    "idle-timeout-zero": ("--idle-timeout 0", "give more than 0, or leave the option out"),
    "idle-timeout-not-a-number": ("--idle-timeout nan", "give more than 0, or leave the option out"),
    "grace-negative": ("--grace=-1", "give 0 or more"),
    "grace-endless": ("--grace inf", "give 0 or more"),
    "ca-without-certificate": ("--tls-ca ca.pem", "add --tls-cert FILE"),
    "option-of-the-client": ("--message hello", "--help"),
}
BAD_CLIENT = BAD_BOTH | {
    "message-and-file": (f"--message hello --file {__file__}", "give the one or the other"),
    "input-for-several": ("--file - --connections 2", "leave out --connections"),
    "file-missing": ("--file /nowhere", "give the path of a readable file, or - for standard input"),
    "file-a-directory": ("--file /", "give the path of a file"),
    "host-empty": ("--host=", "give the server's name"),
    "port-zero": ("--port 0", "give the port that the server shows when it starts"),
    "ca-missing": ("--tls-ca /nowhere.pem", "give a PEM file"),
    "ca-of-nonsense": (f"--tls-ca {__file__}", "give a PEM file"),
    "tls-over-unix-without-a-name": (f"--unix somewhere --tls-cert {__file__}", "add --tls-server-name NAME"),
    "connections-zero": ("--connections 0", "a whole number from 1 to 65535"),
    "pause-negative": ("--pause=-1", "give 0 or more"),
    "timeout-zero": ("--timeout 0", "give more than 0, or leave the option out"),
    "timeout-endless": ("--timeout inf", "give more than 0, or leave the option out"),
    "option-of-the-server": ("--grace 3", "--help"),
}
BAD = [
    pytest.param(role, *case, id=f"{role}-{name}")
    for role, cases in (("server", BAD_SERVER), ("client", BAD_CLIENT))
    for name, case in cases.items()
]


async def never(*_: object) -> None:
    """In the place of an API: a bad command line must be refused before."""
    raise AssertionError("it went to work")


@pytest.mark.parametrize(("role", "options", "remedy"), BAD)
def test_bad_options_are_refused_with_the_remedy(role, options, remedy, capsys):
    run = functools.partial(run_server, never) if role == "server" else functools.partial(run_client, never)
    with pytest.raises(SystemExit) as exit_:
        run(options.split(" "))
    printed = capsys.readouterr()
    assert exit_.value.code == 2
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert ": error: " in line
    assert remedy in line


@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize(
    "options", ["--port 70000", "--loop turbo", "--loop os:getcwd", "--loop sys:exit", "--loop os.\nx:y", "--host=--"]
)
def test_bad_options_end_the_program_with_2_and_one_line(api, role, options):
    with Endpoint(api, role, *options.split(" ")) as endpoint:
        assert endpoint.end() == 2
        [line] = endpoint.lines
        assert line.startswith(f"python -m {api}_impl.{role}: error: ")
