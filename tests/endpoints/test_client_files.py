"""A client that sends a file or standard input: any length, in bounded memory, and never stuck."""

import contextlib
import os
import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import APIS, loops
from harness import (
    DEADLINE_S,
    HOST,
    Endpoint,
    assert_fails,
    assert_interrupted,
    assert_quiet,
    client_of,
    complaints,
    one_shot_server,
    read_to_end,
    receive,
    silent_input,
)

from common.config import ECHO_WINDOW_BYTES
from common.options import parse_client
from common.sources import CHUNK_BYTES

MIB = 1 << 20
MEMORY_LIMIT_BYTES = 64 * MIB
BLOCK = random.Random(7).randbytes(MIB)

TELL_PEAK = "import atexit; atexit.register(lambda: print(open('/proc/self/status').read()))"
"""Run first in an endpoint, this makes it print its peak of memory as its last act."""


def told_peak_bytes(endpoint: Endpoint) -> int:
    """The peak of memory of an endpoint that has ended, and that was started with TELL_PEAK."""
    return int(re.search(rb"VmHWM:\s+(\d+)", endpoint.stdout)[1]) * 1024


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """256 MiB, removed at the end: pytest would keep it for three more runs."""
    path = tmp_path_factory.mktemp("files") / "large"
    with path.open("wb") as file:
        for _ in range(256):
            file.write(BLOCK)
    yield path
    path.unlink()


@contextlib.contextmanager
def endless_input() -> Iterator[int]:
    """The reading end of a pipe into which somebody writes for ever."""
    reading, writing = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError):
            while True:
                os.write(writing, BLOCK)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield reading
    finally:
        os.close(reading)
        thread.join(DEADLINE_S)
        os.close(writing)


# --- Files ---


@pytest.mark.parametrize("client_loop", loops(), ids=lambda name: f"{name}-client")
@pytest.mark.parametrize("client_api", APIS, ids=lambda name: f"{name}-client")
def test_a_large_file_passes_whole_and_is_held_in_memory_by_neither_end(
    api, loop, client_api, client_loop, large_file, tmp_path
):
    # Between two kinds a part is enough: neither end can know what runs the other.
    path, size = (large_file, 256 * MIB) if (api, loop) == (client_api, client_loop) else (tmp_path / "part", 32 * MIB)
    if path != large_file:
        path.write_bytes(BLOCK * 32)
    info = ("--log-level", "info", "--log-format", "json")
    with Endpoint(api, "server", "--host", HOST, "--port", "0", *info, loop=loop) as server:
        options = ("--file", str(path), *info)
        with client_of(client_api, client_loop, server.port(), *options, before=TELL_PEAK) as client:
            assert client.end() == 0, client.log
        server.wait_for("closing")
        server_peak = server.peak_rss_bytes()
        assert server.stop() == 0
    totals = [
        (record["received_bytes"], record["sent_bytes"])
        for record in client.records + server.records
        if record["event"] == "closing"
    ]
    assert totals == [(size, size), (size, size)]
    assert server_peak < MEMORY_LIMIT_BYTES
    assert told_peak_bytes(client) < MEMORY_LIMIT_BYTES
    assert_quiet(client)
    assert_quiet(server)


def test_memory_stays_bounded_when_the_echo_is_far_behind(api, loop, large_file):
    behind = ECHO_WINDOW_BYTES - CHUNK_BYTES

    def echoes_late(sock: socket.socket) -> None:
        held = bytearray()
        while data := sock.recv(CHUNK_BYTES):
            held += data
            if len(held) > behind:
                sock.sendall(held[:-behind])
                del held[:-behind]
        sock.sendall(held)

    options = ("--file", str(large_file), "--log-level", "info")
    with one_shot_server(echoes_late) as port, client_of(api, loop, port, *options, before=TELL_PEAK) as client:
        assert client.end() == 0, client.log
        assert told_peak_bytes(client) < MEMORY_LIMIT_BYTES


def test_an_empty_file_is_a_whole_echo_of_nothing(api, loop, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with Endpoint(api, "server", "--host", HOST, "--port", "0", loop=loop) as server:
        with client_of(api, loop, server.port(), "--file", str(path)) as client:
            assert client.end() == 0, client.log
        assert server.stop() == 0
    assert [line for line in client.lines if line.startswith("echo_client") and "EOF" not in line] == [
        f"echo_client: connecting to {HOST} port {server.port()}",
        "echo_client: waiting for response",
        "echo_client: closing",
    ]


def test_a_file_that_fails_while_it_is_read_is_told_as_it_is(api, loop):
    def answers(sock: socket.socket) -> None:
        with contextlib.suppress(ConnectionResetError):
            sock.sendall(read_to_end(sock))

    # The first page of a process's memory belongs to nobody: it opens, and its first read fails.
    path = "/proc/self/mem"
    with one_shot_server(answers) as port, client_of(api, loop, port, "--file", path) as client:
        assert_fails(client, f"cannot read '{path}' (Input/output error)", "0 of 0", f"{HOST} port {port}")


def test_a_file_without_permission_is_a_usage_error_with_the_remedy(tmp_path, monkeypatch, capsys):
    path = tmp_path / "secret"
    path.touch(mode=0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read every file
    with pytest.raises(SystemExit) as exit_:
        parse_client(["--file", str(path)])
    assert exit_.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"error: --file {str(path)!r} cannot be read: give the path of a readable file, or - for" in line


def test_a_fifo_is_read_to_its_end(api, loop, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    heard = threading.Event()

    def answers(sock: socket.socket) -> None:
        first = receive(sock, 5)
        heard.set()
        sock.sendall(first + read_to_end(sock))

    # Open at both ends it never makes this test wait for the client.
    fifo = os.open(path, os.O_RDWR)
    try:
        with one_shot_server(answers) as port, client_of(api, loop, port, "--file", str(path)) as client:
            os.write(fifo, b"first")
            assert heard.wait(DEADLINE_S)
            os.write(fifo, b"second")
            client.wait_for("second")
            os.close(fifo)
            fifo = None
            assert client.end() == 0, client.log
            assert_quiet(client)
    finally:
        if fifo is not None:
            os.close(fifo)


def test_ctrl_c_ends_a_client_whose_fifo_nobody_opens(api, loop, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    connected = threading.Event()

    def waits(sock: socket.socket) -> None:
        connected.set()
        with contextlib.suppress(ConnectionResetError):
            read_to_end(sock)

    with one_shot_server(waits) as port, client_of(api, loop, port, "--file", str(tmp_path / "fifo")) as client:
        assert connected.wait(DEADLINE_S)
        assert_interrupted(client)


# --- Standard input ---


def test_standard_input_is_sent_to_its_end(api, loop):
    reading, writing = os.pipe()
    received = []

    def answers(sock: socket.socket) -> None:
        received.append(read_to_end(sock))
        sock.sendall(received[0])

    with (
        one_shot_server(answers) as port,
        client_of(api, loop, port, "--file", "-", stdin=reading) as client,
    ):
        os.close(reading)
        os.write(writing, b"one\n")
        client.wait_for("sending")
        os.write(writing, b"two")
        os.close(writing)
        assert client.end() == 0, client.log
        assert_quiet(client)
    assert received == [b"one\ntwo"]


def test_standard_input_that_never_ends_passes_in_bounded_memory_until_ctrl_c(api, loop):
    enough = threading.Event()

    def echoes(sock: socket.socket) -> None:
        total = 0
        with contextlib.suppress(ConnectionError):
            while data := sock.recv(CHUNK_BYTES):
                sock.sendall(data)
                total += len(data)
                if total >= 128 * MIB:
                    enough.set()

    options = ("--file", "-", "--log-level", "info")
    with (
        endless_input() as source,
        one_shot_server(echoes) as port,
        client_of(api, loop, port, *options, stdin=source) as client,
    ):
        assert enough.wait(DEADLINE_S)
        assert client.peak_rss_bytes() < MEMORY_LIMIT_BYTES
        assert_interrupted(client)


def test_standard_input_that_never_ends_stops_where_nothing_comes_back(api, loop):
    totals = []
    window_full = threading.Event()

    def answers_nothing(sock: socket.socket) -> None:
        totals.append(len(receive(sock, ECHO_WINDOW_BYTES)))
        window_full.set()
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(CHUNK_BYTES):
                totals.append(len(data))

    options = ("--file", "-", "--log-level", "info")
    with (
        endless_input() as source,
        one_shot_server(answers_nothing) as port,
        client_of(api, loop, port, *options, stdin=source) as client,
    ):
        assert window_full.wait(DEADLINE_S)
        assert client.peak_rss_bytes() < MEMORY_LIMIT_BYTES
        assert_interrupted(client)
    assert ECHO_WINDOW_BYTES <= sum(totals) < ECHO_WINDOW_BYTES + CHUNK_BYTES


def test_ctrl_c_ends_a_client_whose_standard_input_says_nothing(api, loop):
    connected = threading.Event()

    def waits(sock: socket.socket) -> None:
        connected.set()
        with contextlib.suppress(ConnectionResetError):
            read_to_end(sock)

    with (
        silent_input() as silence,
        one_shot_server(waits) as port,
        client_of(api, loop, port, "--file", "-", stdin=silence) as client,
    ):
        assert connected.wait(DEADLINE_S)
        assert_interrupted(client)


def test_a_server_that_leaves_ends_a_client_whose_standard_input_says_nothing(api, loop):
    with (
        silent_input() as silence,
        one_shot_server(lambda sock: None) as port,
        client_of(api, loop, port, "--file", "-", stdin=silence) as client,
    ):
        assert_fails(client, "ended early", "0 of 0", f"{HOST} port {port}")


def test_a_server_that_leaves_ends_a_client_whose_standard_input_never_ends(api, loop):
    def leaves(sock: socket.socket) -> None:
        receive(sock, MIB)

    with (
        endless_input() as source,
        one_shot_server(leaves) as port,
        client_of(api, loop, port, "--file", "-", "--log-level", "info", stdin=source) as client,
    ):
        assert client.end() == 1, client.log
        [line] = complaints(client)
        # Whether bytes were on their way when the server left is up to the kernel.
        assert re.fullmatch(
            rf"echo_client: ERROR (ended early|connection reset): 0 of \d+ bytes came back from {HOST} port {port}",
            line,
        )
        assert_quiet(client)


def test_standard_input_that_cannot_be_read_is_told_as_it_is(api, loop):
    def answers(sock: socket.socket) -> None:
        with contextlib.suppress(ConnectionResetError):
            sock.sendall(read_to_end(sock))

    with (
        open(os.devnull, "wb") as write_only,
        one_shot_server(answers) as port,
        client_of(api, loop, port, "--file", "-", stdin=write_only) as client,
    ):
        assert_fails(client, "cannot read '-' (Bad file descriptor)", "0 of 0", f"{HOST} port {port}")
