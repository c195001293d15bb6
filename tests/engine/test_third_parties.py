"""A program that knows nothing of the contract takes part as two commands, and is judged by what passes on the wire."""

import contextlib
import dataclasses
import errno
import hashlib
import json
import shlex
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

import compare
from comparison.model import SIDES
from comparison.play import relay as relays
from comparison.play import serving
from comparison.play.relay import EARLY, OPEN, RESET, Relay
from comparison.scenarios import SCENARIOS
from comparison.transcript import joined
from comparison.vocabulary import SENT_EOF, WAS_RESET

PROGRAM = Path(__file__).parents[1] / "plain_echo.py"
HOST = "127.0.0.1"


def command(role, defect=""):
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(PROGRAM))} {role} {{host}} {{port}} {defect}"


def run(capsys, *options, server=None, client=None, scenario="tutorial"):
    """What a user sees of `compare.py run --endpoint plain ...`: the exit code, the JSON result, and the errors."""
    words = ["run", "--scenario", scenario, "--loop", "asyncio", "--jobs", "2", "--format", "json"]
    words += ["--endpoint", "plain"]
    words += ["--server-command", server] if server is not None else []
    words += ["--client-command", client] if client is not None else []
    code = compare.main([*words, *options])
    out, err = capsys.readouterr()
    return code, json.loads(out)["comparisons"][0] if out else None, err


def cells(comparison):
    return {(cell["server"], cell["client"]): cell for cell in comparison["cells"]}


@pytest.mark.parametrize("scenario", ["tutorial", "nothing", "every-byte", "1-mib"])
def test_plain_sockets_pass(capsys, scenario):
    code, comparison, err = run(capsys, server=command("server"), client=command("client"), scenario=scenario)
    verdicts = {pairing: (cell["verdict"], cell["reason"]) for pairing, cell in cells(comparison).items()}
    assert code == 0, (verdicts, err)
    assert ("plain", "plain") in verdicts
    assert len(verdicts) == 9
    assert {verdict for verdict, _ in verdicts.values()} <= {"reference", "identical", "alike"}


def test_plain_sockets_pass_over_ipv6(capsys):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    code, comparison, err = run(
        capsys, "--transport", "tcp6", "--server", "plain", "--client", "streams", server=command("server")
    )
    assert code == 0, err
    assert [cell["verdict"] for cell in comparison["cells"]] == ["reference"]


@pytest.mark.parametrize("scenario", ["reset-mid-stream", "byte-each-10-ms", "reads-slowly"])
def test_a_plain_server_stands_bad_peers(capsys, scenario):
    code, comparison, _ = run(capsys, "--server", "streams,plain", server=command("server"), scenario=scenario)
    assert code == 0, [cell["reason"] for cell in comparison["cells"]]
    assert {cell["server"] for cell in comparison["cells"]} >= {"plain"}


def test_what_it_cannot_be_told_of_is_skipped_with_the_reason(capsys):
    _, comparison, _ = run(capsys, "--server", "streams,plain", server=command("server"), scenario="says-nothing")
    [cell] = [cell for cell in comparison["cells"] if cell["server"] == "plain"]
    assert cell["verdict"] == "skipped"
    assert cell["reason"] == "plain takes no options, so it cannot be told of --idle-timeout 1"


@pytest.mark.parametrize(("defect", "reason"), [("drops", "bytes"), ("alters", "altered at byte 0")])
def test_a_plain_server_with_a_defect_fails(capsys, defect, reason):
    code, comparison, _ = run(capsys, "--client", "streams,protocol", server=command("server", defect))
    found = cells(comparison)
    assert code == 1
    for client in ("streams/asyncio", "protocol/asyncio"):
        assert found["plain", client]["verdict"] == "failed"
        assert reason in found["plain", client]["reason"]
        assert found["streams/asyncio", client]["verdict"] in ("reference", "identical", "alike")


def test_a_plain_server_that_alters_the_echo_fails_with_its_own_client_too(capsys):
    code, comparison, _ = run(
        capsys, "--client", "streams,plain", server=command("server", "alters"), client=command("client")
    )
    cell = cells(comparison)["plain", "plain"]
    assert code == 1
    assert cell["verdicts"]["echo"] == "failed"
    assert "other bytes than the scenario's" in cell["reason"]


def test_a_plain_client_that_drops_a_byte_fails(capsys):
    code, comparison, _ = run(capsys, "--client", "streams,plain", client=command("client", "drops"))
    cell = cells(comparison)["streams/asyncio", "plain"]
    assert code == 1
    assert cell["verdicts"]["echo"] == "failed"
    assert "45 bytes instead of 46" in cell["reason"]


def test_a_plain_client_that_fails_tells_its_exit_code(capsys):
    code, comparison, _ = run(capsys, "--client", "streams,plain", client=command("client", "fails"))
    cell = cells(comparison)["streams/asyncio", "plain"]
    assert code == 1
    assert cell["verdicts"]["ending"] == "failed"
    assert "client exited with 7" in cell["reason"]


def test_a_plain_server_that_hangs_fails_at_the_deadline(capsys, monkeypatch):
    short = dataclasses.replace(SCENARIOS["tutorial"], deadline_s=2.0)
    monkeypatch.setitem(SCENARIOS, "tutorial", short)
    code, comparison, _ = run(
        capsys, "--server", "streams,plain", "--client", "streams", server=command("server", "hangs")
    )
    cell = cells(comparison)["plain", "streams/asyncio"]
    assert code == 1
    assert cell["verdict"] == "failed"
    assert "client still running after 2 s" in cell["reason"]


def test_a_server_that_never_listens_fails(capsys, monkeypatch):
    monkeypatch.setattr(serving, "READY_S", 1.0)
    only = ("--server", "plain", "--client", "plain")
    code, comparison, _ = run(
        capsys, *only, server=command("server", "never-listens"), client=command("client"), scenario="tutorial"
    )
    assert code == 1
    assert "server was not ready in 1 s" in cells(comparison)["plain", "plain"]["reason"]


@pytest.mark.parametrize(
    ("role", "scenario"),
    [("server", "tutorial"), ("client", "tutorial"), ("server", "byte-each-10-ms"), ("client", "byte-at-a-time")],
)
def test_a_program_that_cannot_be_started_fails(capsys, role, scenario):
    commands = {"server": command("server"), "client": command("client"), role: "/no/such/program {port}"}
    code, comparison, _ = run(capsys, "--server", "plain", "--client", "plain", scenario=scenario, **commands)
    [cell] = comparison["cells"]
    reason = cell["reason"]
    assert code == 1
    assert f"{role} cannot be started ([Errno 2] No such file or directory" in reason


@pytest.mark.parametrize(
    ("end", "defect", "scenario", "reason"),
    [
        ("server", "resets-late", "tutorial", "on the wire, the server reset the connection"),
        ("client", "resets", "tutorial", "on the wire, the client reset the connection"),
        ("server", "swaps", "1-mib", "other bytes passed than the scenario's"),
        ("client", "swaps", "1-mib", "other bytes passed than the scenario's"),
        ("server", "says-more", "tutorial", "server sent 50 bytes instead of 46"),
    ],
)
@pytest.mark.parametrize("alone", [True, False], ids=["two-silent-programs", "one-silent-program"])
def test_what_goes_wrong_on_the_wire_only_fails(capsys, end, defect, scenario, reason, alone):
    other = "client" if end == "server" else "server"
    # A client that leaves when it has all its bytes does not see what then comes.
    patience = "leaves" if defect == "resets-late" else ""
    commands = {end: command(end, defect)} | ({other: command(other, patience)} if alone else {})
    who = {"server": "streams", "client": "streams", end: "plain"} | ({other: "plain"} if alone else {})
    options = [word for side, name in who.items() for word in (f"--{side}", name)]
    code, comparison, _ = run(capsys, *options, **commands, scenario=scenario)
    [cell] = comparison["cells"]
    assert code == 1
    assert cell["verdict"] == "failed"
    if alone:  # one that tells says so itself
        assert reason in cell["reason"]


def test_a_server_that_never_ends_a_connection_fails_though_its_client_has_left(capsys, monkeypatch):
    monkeypatch.setattr(relays, "END_S", 0.5)
    code, comparison, _ = run(
        capsys, "--server", "plain", "--client", "plain",
        server=command("server", "never-ends"), client=command("client", "leaves"),
    )  # fmt: skip
    [cell] = comparison["cells"]
    assert code == 1
    assert "on the wire, the server did not end the connection" in cell["reason"]


def test_an_end_that_comes_late_is_an_end(capsys):
    code, comparison, _ = run(
        capsys, "--server", "plain", "--client", "plain",
        server=command("server", "ends-late"), client=command("client", "leaves"),
    )  # fmt: skip
    assert code == 0, comparison["cells"][0]["reason"]


def test_a_program_that_tells_is_judged_by_the_wire_too(capsys, tmp_path):
    """It writes the lines of the contract, as plain text and so without a digest; its echo is altered all the same."""
    program = tmp_path / "server.py"
    program.write_text(TELLING_SERVER)
    code, comparison, _ = run(
        capsys, "--server", "plain", "--client", "plain", scenario="1-mib",
        server=f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} {{port}}", client=command("client"),
    )  # fmt: skip
    [cell] = comparison["cells"]
    assert code == 1
    assert cell["runs"][0]["silent"] == ["client"]
    assert "other bytes passed than the scenario's" in cell["reason"]


TELLING_SERVER = f"""
import socket, sys
sys.path.insert(0, {str(PROGRAM.parent)!r})
from plain_echo import swapped
listener = socket.create_server(("localhost", int(sys.argv[1])))
print("main: starting up on localhost port", sys.argv[1], flush=True)
while True:
    sock, address = listener.accept()
    name, offset = f"echo_127.0.0.1_{{address[1]}}", 0
    print(f"{{name}}: connection accepted", flush=True)
    while data := sock.recv(65536):
        print(f"{{name}}: received {{data!r}}", flush=True)
        sock.sendall(swapped(data, offset))
        print(f"{{name}}: sent {{data!r}}", flush=True)
        offset += len(data)
    print(f"{{name}}: closing", flush=True)
    sock.close()
"""


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--server-command", "serve {port}"], "give --endpoint NAME before it"),
        (["--endpoint", "plain"], "give it a --server-command, a --client-command, or both"),
        (["--endpoint", "plain", "--server-command", "serve"], "put it where the program takes its port"),
        (["--endpoint", "plain", "--client-command", "connect 'it {port}"], "quote it as for a shell"),
        (["--endpoint", "streams", "--server-command", "serve {port}"], "give it a name of its own"),
        (["--endpoint", "a,b", "--server-command", "serve {port}"], "give it a name of its own"),
        (["--endpoint", "", "--server-command", "serve {port}"], "give it a name of its own"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_the_remedy(capsys, words, remedy):
    try:
        code = compare.main(["run", *words])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2
    assert remedy in err
    assert len(err.splitlines()) == 1
    assert out == ""


# --- The relay ---
class Server:
    """A raw server of one connection: `script(sock)` runs in a thread. `room` is what its kernel may hold unread."""

    def __init__(self, script, room=None):
        self.script = script
        self.room = room

    def __enter__(self):
        self.listener = socket.create_server((HOST, 0))
        if self.room is not None:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.room)
        self.listener.settimeout(30)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self.listener.getsockname()[1]

    def serve(self):
        sock, _ = self.listener.accept()
        with sock:
            sock.settimeout(30)
            self.script(sock)

    def __exit__(self, *_):
        self.thread.join()
        self.listener.close()


def read_to_end(sock):
    return b"".join(iter(lambda: sock.recv(1000), b""))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def told(relay):
    """The events of the relay once all is over, by name, and how the client and the server have ended it."""
    events = relay.events()["client"]
    ends = events[-1].fields["ends"]
    return [event.name for event in events], ends["client"], ends["server"]


def digest(data):
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def test_the_relay_passes_on_an_end_of_file_in_each_direction():
    def echo_at_the_end(sock):
        data = read_to_end(sock)
        sock.sendall(data[::-1])

    with (
        Server(echo_at_the_end) as port,
        Relay(HOST, (HOST, port), 30) as relay,
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        sock.sendall(b"abc")
        sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock) == b"cba"
    assert told(relay) == (["connecting", "sending", "received", "closing"], SENT_EOF, SENT_EOF)
    mirrored = relay.events()["server"]
    assert [event.message for event in mirrored] == ["accepted", "received b'abc'", "sent b'cba'", "closing"]
    end = dict(mirrored[-1].fields)
    assert (end["received_bytes"], end["sent_bytes"]) == (3, 3)
    assert (end["received_digest"], end["sent_digest"]) == (digest(b"abc"), digest(b"cba"))


def test_the_relay_passes_on_a_reset_of_the_server():
    def read_and_reset(sock):
        sock.recv(3, socket.MSG_WAITALL)
        reset(sock)

    with (
        Server(read_and_reset) as port,
        Relay(HOST, (HOST, port), 4) as relay,
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        sock.sendall(b"abc")
        with pytest.raises(ConnectionResetError):
            read_to_end(sock)
    assert told(relay) == (["connecting", "sending", "lost"], WAS_RESET, RESET)
    assert [relay.events()[side][-1].message for side in SIDES] == [
        "connection lost: the server reset the connection"
    ] * 2


def test_the_relay_sees_a_reset_of_the_server_after_the_client_has_said_that_this_was_all():
    def read_and_reset(sock):
        read_to_end(sock)
        reset(sock)

    with (
        Server(read_and_reset) as port,
        Relay(HOST, (HOST, port), 4) as relay,
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        sock.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            read_to_end(sock)
    assert told(relay) == (["connecting", "closing"], SENT_EOF, RESET)
    assert [relay.events()[side][-1].name for side in SIDES] == ["lost", "closing"]


def test_the_relay_passes_on_a_reset_of_the_client():
    seen = []

    def see(sock):
        sock.settimeout(2)
        try:
            seen.append(read_to_end(sock))
        except OSError as error:
            seen.append(type(error))

    with Server(see) as port, Relay(HOST, (HOST, port), 4) as relay:
        reset(socket.create_connection((HOST, relay.port), 30))
    assert seen == [ConnectionResetError]
    assert told(relay) == (["connecting", "lost"], RESET, WAS_RESET)


def test_the_relay_passes_on_a_reset_also_where_neither_side_reads():
    """Both directions are full: the thread that would pass on more to the server waits for room, and the server reads
    nothing before the relay is over."""
    full, over, seen = threading.Event(), threading.Event(), []

    def send_until_stuck(sock):
        sock.settimeout(0.01)
        stuck = 0
        while stuck < 50:
            stuck += 1
            with contextlib.suppress(TimeoutError):
                sock.send(bytes(100_000))
                stuck = 0
        sock.settimeout(30)

    def fill_and_then_read(sock):
        send_until_stuck(sock)
        full.set()
        seen.append(over.wait(30))
        try:
            seen.append(read_to_end(sock))
        except OSError as error:
            seen.append(type(error))

    with Server(fill_and_then_read, room=4096) as port:  # with so little no later moment finds room for a piece
        with Relay(HOST, (HOST, port), 30) as relay, socket.create_connection((HOST, relay.port), 30) as sock:
            send_until_stuck(sock)
            assert full.wait(30)
            reset(sock)
        over.set()
    assert seen == [True, ConnectionResetError]
    assert told(relay)[1:] == (RESET, WAS_RESET)


def test_the_relay_does_not_wait_for_room_on_a_socket_that_is_closed_meanwhile():
    ours, theirs = socket.socketpair()
    ours.settimeout(0.01)
    ended = []

    def send():
        try:
            relays._send_all(ours, bytes(10_000_000))
        except OSError as error:
            ended.append(error.errno)

    sending = threading.Thread(target=send)
    with theirs:
        sending.start()
        sending.join(0.1)
        assert sending.is_alive()
        ours.close()
        sending.join(30)
    assert ended == [errno.EBADF]


def test_the_relay_sees_which_side_says_first_that_this_was_all():
    def end_and_read(sock):
        sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock) == b"abc"

    with (
        Server(end_and_read) as port,
        Relay(HOST, (HOST, port), 4) as relay,
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        assert read_to_end(sock) == b""
        sock.sendall(b"abc")
    assert told(relay) == (["connecting", "sending", "closing"], SENT_EOF, EARLY)


def test_the_relay_waits_a_moment_for_an_end_and_no_longer(monkeypatch):
    monkeypatch.setattr(relays, "END_S", 0.05)
    seen, left = threading.Event(), threading.Event()

    def never_end(sock):
        read_to_end(sock)
        seen.set()
        left.wait(30)

    with Server(never_end) as port:
        with Relay(HOST, (HOST, port), 30) as relay:
            socket.create_connection((HOST, relay.port), 30).close()
            assert seen.wait(30)
        left.set()
    assert told(relay) == (["connecting", "closing"], SENT_EOF, OPEN)


def test_of_very_many_pieces_the_relay_keeps_a_bounded_number_of_lines_and_all_bytes():
    pieces = 20 * relays.KEPT_PIECES

    def echo(sock):
        while data := sock.recv(1000):
            sock.sendall(data)

    with (
        Server(echo) as port,
        Relay(HOST, (HOST, port), 30) as relay,
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        for _ in range(pieces):  # each on its way alone
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
        sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock) == b""
    events = relay.events()
    assert len(events["client"]) <= 2 * relays.KEPT_PIECES + 4
    for side in SIDES:
        block = events[side]
        totals = [block[-1].fields[total] for total in ("received_bytes", "sent_bytes")]
        assert [joined(block, "received").length, *totals] == [pieces] * 3
    server = events["server"]
    assert joined(server, "sent") == joined(server, "received")


def test_the_relay_resets_a_client_whose_server_is_not_there():
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Relay(HOST, (HOST, port), 30) as relay,
        pytest.raises(ConnectionResetError),  # it may come as soon as there is a connection
        socket.create_connection((HOST, relay.port), 30) as sock,
    ):
        sock.recv(1)
    assert relay.events() == {}
