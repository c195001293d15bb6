"""A program that knows nothing of the contract takes part as two commands, and is judged by what passes on the wire."""

import dataclasses
import json
import shlex
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

import compare
from comparison import serving
from comparison.relay import Relay, seen_by
from comparison.scenarios import SCENARIOS

PROGRAM = Path(__file__).parent / "plain_echo.py"
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
    assert cell["reason"] == "plain takes no options, so it cannot be told of --idle-timeout 0.2"


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


@pytest.mark.parametrize("role", ["server", "client"])
def test_a_program_that_cannot_be_started_fails(capsys, role):
    commands = {"server": command("server"), "client": command("client"), role: "/no/such/program {port}"}
    code, comparison, _ = run(capsys, "--server", "plain", "--client", "plain", **commands)
    reason = cells(comparison)["plain", "plain"]["reason"]
    assert code == 1
    assert f"{role} cannot be started ([Errno 2] No such file or directory" in reason


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
    """A raw server of one connection: `script(sock)` runs in a thread."""

    def __init__(self, script):
        self.script = script

    def __enter__(self):
        self.listener = socket.create_server((HOST, 0))
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


def names(relay, *, until):
    """The events of the relay, once the last of them is there."""
    for thread in relay._threads[1:]:
        thread.join(30)
    events = relay.events()
    assert events[-1].name == until
    return [event.name for event in events]


def test_the_relay_passes_on_an_end_of_file_in_each_direction():
    def echo_at_the_end(sock):
        data = read_to_end(sock)
        sock.sendall(data[::-1])

    with Server(echo_at_the_end) as port, Relay(HOST, port, 30) as relay:
        with socket.create_connection((HOST, relay.port), 30) as sock:
            sock.sendall(b"abc")
            sock.shutdown(socket.SHUT_WR)
            assert read_to_end(sock) == b"cba"
        assert names(relay, until="closing") == ["connecting", "sending", "received", "closing"]
        mirrored = seen_by("server", relay.events())
    assert [event.message for event in mirrored] == ["accepted", "received b'abc'", "sent b'cba'", "closing"]


def test_the_relay_passes_on_a_reset_of_the_server():
    def read_and_reset(sock):
        sock.recv(3, socket.MSG_WAITALL)
        reset(sock)

    with Server(read_and_reset) as port, Relay(HOST, port, 4) as relay:
        with socket.create_connection((HOST, relay.port), 30) as sock:
            sock.sendall(b"abc")
            with pytest.raises(ConnectionResetError):
                read_to_end(sock)
        assert names(relay, until="lost") == ["connecting", "sending", "lost"]


def test_the_relay_passes_on_a_reset_of_the_client():
    seen = []

    def see(sock):
        sock.settimeout(2)
        try:
            seen.append(read_to_end(sock))
        except OSError as error:
            seen.append(type(error))

    # The server's thread ends first, when it has seen the end; then the relay is closed.
    relay = Relay(HOST, 0, 4)
    with relay, Server(see) as port:
        relay._server_port = port
        reset(socket.create_connection((HOST, relay.port), 30))
    assert seen == [ConnectionResetError]
    assert [event.name for event in relay.events()] == ["connecting", "lost"]


def test_the_relay_resets_a_client_whose_server_is_not_there():
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    with Relay(HOST, port, 30) as relay:
        with socket.create_connection((HOST, relay.port), 30) as sock, pytest.raises(ConnectionResetError):
            sock.recv(1)
        assert relay.events() == ()
