"""The load generator against servers that do well, delay, cut, close and lie: it checks, reports, and ends in time."""

import contextlib
import dataclasses
import itertools
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from harness import DEADLINE_S, HOST, ROOT

from comparison.bench import connections, generator
from comparison.bench.connections import Broken, Connection
from comparison.bench.plan import Cell, Load, Sample
from comparison.play import transports

pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")

Handler = Callable[[socket.socket], object]
STAY = "stay"
"""What a handler returns that does not want its connection to be closed until the end of the test."""

PATIENCE_S = 0.3
"""For what never comes; short, since it is waited for."""

CELL = Cell("echo", 100, 1, ())

LONG_S = 30.0
"""For what comes, however busy the machine is."""


def speaking(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return connection if tls is None else tls.wrap_socket(connection, server_side=True)


@contextlib.contextmanager
def serving(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server in threads, one for each connection that `handle` is given; its port."""
    with socket.create_server((HOST, 0), backlog=1024) as listening:
        threads: list[threading.Thread] = []
        ended = threading.Event()

        def handle_quietly(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError), speaking(connection, tls) as spoken:
                if handle(spoken) == STAY:
                    ended.wait(DEADLINE_S)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threads.append(threading.Thread(target=handle_quietly, args=(connection,)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(DEADLINE_S)
                assert not thread.is_alive()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def load(port: int, workload: str = "echo", **changes: object) -> Sample:
    """What the generator finds in a short time."""
    given = {"size_bytes": 100, "connections": 3, "arms": (), **changes}
    cell = Cell(workload, **{name: given.pop(name) for name in vars(CELL).keys() & given.keys()})
    times = {"sample_s": 0.05, "patience_s": LONG_S, **given}
    found = generator.run(Load(cell=cell, address=(HOST, port), server_pid=os.getpid(), **times))
    return Sample(cell.key, "a", 1, **found)


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    pytest.importorskip("trustme", reason="trustme is not installed: pip install trustme")
    folder = tmp_path_factory.mktemp("certificates")
    transports.write_certificates(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize("size_bytes", [1, 300_000])
@pytest.mark.parametrize("over", ["tcp", "tls"])
@pytest.mark.parametrize("workload", ["echo", "fresh", "connect", "half"])
def test_an_echo_of_any_size_is_measured(workload, over, size_bytes, tls):
    with serving(echo, tls if over == "tls" else None) as port:
        found = load(port, workload, size_bytes=size_bytes, transport=over)
    assert found.troubles == ()
    assert bool(found.latencies) == (workload == "half")  # of a closed loop they are the throughput again
    assert found.values["per_s"] > 0
    assert found.values["server_cpu_us"] >= 0
    assert found.values["server_user_us"] + found.values["server_system_us"] == pytest.approx(
        found.values["server_cpu_us"]
    )


@pytest.mark.parametrize("over", ["tcp", "tls"])
def test_memory_is_measured_with_nobody_with_all_and_with_as_many_again(over, tls):
    with serving(echo, tls if over == "tls" else None) as port:
        found = load(port, "memory", connections=20, transport=over)
    assert (found.troubles, found.values["held"]) == ((), 20.0)
    assert found.values["full_bytes"] - found.values["empty_bytes"] == 20 * found.values["per_connection_bytes"]
    assert "again_bytes" in found.values


@pytest.mark.parametrize("in_flight", [1, 16])
@pytest.mark.parametrize("size_bytes", [10, 5000])
def test_lines_go_several_at_once_and_each_says_its_length(size_bytes, in_flight):
    """What comes is cut into lines at both marks, which must agree."""
    wrong: list[bytes] = []

    def by_lines(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            while head := file.read(connections.LENGTH_DIGITS):
                line = file.read(int(head))
                if line.find(b"\n") != len(line) - 1:
                    wrong.append(head + line)
                connection.sendall(head + line)

    with serving(by_lines) as port:
        found = load(port, "lines", size_bytes=size_bytes, in_flight=in_flight)
    assert (found.troubles, wrong) == ((), [])
    assert found.values["per_s"] > 0


def test_what_is_in_flight_is_in_flight():
    """A server that answers only when sixteen lines are there."""

    def all_at_once(connection: socket.socket) -> None:
        connection.sendall(connection.recv(64, socket.MSG_WAITALL))
        while data := connection.recv(16 * 64, socket.MSG_WAITALL):
            connection.sendall(data)

    with serving(all_at_once) as port:
        found = load(port, "lines", size_bytes=64, in_flight=16)
    assert found.troubles == ()


def test_a_line_that_comes_back_as_another_is_found():
    def swapped(connection: socket.socket) -> object:
        connection.sendall(connection.recv(64, socket.MSG_WAITALL))
        data = connection.recv(128, socket.MSG_WAITALL)
        connection.sendall(data[64:] + data[:64])
        return STAY

    with serving(swapped) as port:
        assert load(port, "lines", size_bytes=64, in_flight=2).troubles == (f"3 connections: {WRONG}",)


def test_half_load_is_half_of_what_the_server_can_do():
    """A server that takes 10 ms for each message, one connection after the other."""
    one = threading.Lock()

    def slow(connection: socket.socket) -> None:
        while data := connection.recv(100, socket.MSG_WAITALL):
            with one:
                threading.Event().wait(0.01)
            connection.sendall(data)

    with serving(slow) as port:
        found = load(port, "half", sample_s=0.5)
    assert found.troubles == ()
    assert found.values["per_s"] < 65  # of the 100 that it can do at most; a busy machine does fewer
    assert sum(found.latencies.values()) >= 2


def test_a_server_that_speaks_no_tls_is_told_in_a_sentence():
    with serving(echo) as port:
        found = load(port, transport="tls", patience_s=PATIENCE_S)
    assert re.match(r"3 connections: (no TLS handshake: |closed by the server)", found.troubles[0])


def test_bytes_are_checked_over_tls_too(tls):
    with serving(after(1, altered), tls) as port:
        assert load(port, transport="tls").troubles == (f"3 connections: {WRONG}",)


def after(good: int, then: Handler) -> Handler:
    """Echo so many messages of 100 bytes, then do something else."""

    def handle(connection: socket.socket) -> object:
        for _ in range(good):
            connection.sendall(connection.recv(100))
        connection.recv(100)
        return then(connection)

    return handle


def altered(connection: socket.socket) -> object:
    connection.sendall(b"\0" * 100)
    return STAY


def silent(connection: socket.socket) -> object:
    return STAY


CLOSED = "closed by the server before the echo was complete"
RESET = "reset by the server before the echo was complete"
WRONG = "bytes came back that were not sent"
TROUBLES = {
    "closes": (socket.socket.close, CLOSED),
    "resets": (reset, RESET),
    "alters the bytes": (altered, WRONG),
}


@pytest.mark.parametrize(("then", "reason"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("good", [0, 3])
@pytest.mark.parametrize("workload", ["echo", "half"])
def test_a_server_that_breaks_its_connections_is_reported_in_a_sentence(workload, good, then, reason):
    with serving(after(good, then)) as port:
        found = load(port, workload, sample_s=LONG_S)  # over as soon as no connection is left
    assert found.troubles == (f"3 connections: {reason}",)


def test_a_connection_that_breaks_does_not_end_the_others():
    turn = iter([echo, after(2, socket.socket.close), echo, echo])
    with serving(lambda connection: next(turn)(connection)) as port:
        found = load(port)
    assert found.troubles == (f"1 connection: {CLOSED}",)
    assert found.values["per_s"] > 0


def test_a_server_that_never_answers_is_given_up():
    with serving(silent) as port:
        for workload in ("echo", "half", "memory", "connect"):
            found = load(port, workload, patience_s=PATIENCE_S)
            assert "3 connections: no answer within 0.3 s" in found.troubles or workload == "memory"
            assert found.troubles
            assert found.values == {}


def test_a_server_that_takes_a_few_is_not_asked_by_thousands_one_after_the_other():
    """Each of them would be waited for."""
    with serving(silent) as port:
        found = load(port, patience_s=PATIENCE_S, connections=1000)
    assert found.troubles == (f"{generator.OPENING_AT_ONCE} connections: no answer within 0.3 s",)


def test_a_server_that_falls_silent_is_found():
    with serving(after(1, silent)) as port:
        found = load(port, patience_s=PATIENCE_S)
    assert found.troubles == ("3 connections: no answer within 0.3 s",)


def latencies_ns(port: int, rate_per_s: float, sample_s: float) -> list[int]:
    """Of requests at a known rate on one connection."""
    timed = {"sample_s": sample_s, "patience_s": LONG_S}
    given = Load(cell=CELL, address=(HOST, port), server_pid=os.getpid(), **timed)
    found: list[int] = []
    reasons: list[str] = []
    with generator.Crowd(given, 1, reasons) as crowd:
        assert generator.on_time(crowd, rate_per_s, found) == len(found)
    assert reasons == []
    return found


def test_a_delay_is_in_the_latency():
    delay_s = 0.02

    def late(connection: socket.socket) -> None:
        while data := connection.recv(100, socket.MSG_WAITALL):
            threading.Event().wait(delay_s)
            connection.sendall(data)

    with serving(late) as port:
        found = latencies_ns(port, 20.0, 0.2)
    assert len(found) == 4
    assert min(found) >= delay_s * 1e9


def test_the_open_loop_counts_from_when_a_request_should_have_left():
    """A server that stalls once: with the closed loop one request would be slow, here all that were due meanwhile."""
    stall_s = 0.2

    def stall_once(connection: socket.socket) -> None:
        for number in itertools.count():
            if not (data := connection.recv(100, socket.MSG_WAITALL)):
                return
            if number == 10:
                time.sleep(stall_s)
            connection.sendall(data)

    with serving(stall_once) as port:
        found = latencies_ns(port, 500.0, 0.3)
    assert sum(latency_ns > stall_s / 2 * 1e9 for latency_ns in found) >= 40  # due in the first half of the stall


def test_nobody_there_is_reported():
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    for workload in ("echo", "half", "connect"):
        assert re.fullmatch(r"\d connections: could not connect: connection refused", *load(port, workload).troubles)


def test_more_bytes_than_were_sent_are_found_at_the_close():
    def twice(connection: socket.socket) -> None:
        data = connection.recv(100, socket.MSG_WAITALL)
        connection.sendall(data)
        connection.recv(1)
        connection.sendall(b"more")

    with serving(twice) as port:
        found = load(port, "connect", sample_s=0.3)
    assert "more bytes came back than were sent" in found.troubles[0]


def test_a_server_that_does_not_close_is_found():
    def stays(connection: socket.socket) -> object:
        echo(connection)
        return STAY

    with serving(stays) as port:
        found = load(port, "memory", patience_s=PATIENCE_S)
    assert "6 connections: not closed by the server within 0.3 s" in found.troubles


def exhaust(connection: Connection) -> None:
    while True:
        connection.receive()


def test_an_old_message_that_comes_again_is_found():
    sent = connections.Traffic(CELL)
    with socket.create_server((HOST, 0)) as listening:
        connection = Connection(listening.getsockname()[:2], sent, 0)
        peer, _ = listening.accept()
    with peer:
        connection.send(1)
        peer.sendall(2 * sent.data[:100])
        with pytest.raises(Broken, match=WRONG):
            exhaust(connection)
    connection.socket.close()


def test_the_program_takes_json_and_answers_json():
    given = {"cell": dataclasses.asdict(CELL), "server_pid": os.getpid(), "patience_s": LONG_S}
    with serving(echo) as port:
        spec = json.dumps({**given, "address": [HOST, port], "sample_s": 0.05})
        done = subprocess.run(
            [sys.executable, "-m", "comparison.bench.generator", spec],
            cwd=ROOT,
            capture_output=True,
            timeout=DEADLINE_S,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    outcome = json.loads(done.stdout)
    assert (outcome["troubles"], outcome["values"]["per_s"] > 0) == ([], True)


def test_it_uses_no_event_loop_of_anybody():
    """What is imported for a whole load, asked of the process itself."""
    script = "import sys, comparison.bench.generator; print({'asyncio', 'uvloop'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.stdout.strip() == "set()", done.stderr
