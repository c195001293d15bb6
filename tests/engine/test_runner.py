"""Every server with every client, also where an endpoint crashes, hangs, lies or talks nonsense: its own cells say so,
and the others are as if it were not there.

The endpoints are small programs of a few lines, in place of the real ones.
"""

import contextlib
import dataclasses
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from comparison.model import PARTS, Comparison, Endpoint, Interpreter, Log, Pairing, Run, Scenario, Survey, Verdict
from comparison.play import runner, serving
from comparison.play.processes import Process
from comparison.play.transports import TCP, client_command, server_command
from comparison.run import compare_all, outlined
from comparison.selection import Selection, Trial

SHORT_S = 0.5
"""A deadline for what never happens."""

PAYLOAD = b"This is the message."
SCENARIO = Scenario("fakes", "one message", PAYLOAD)

PRELUDE = f"""
import json, os, signal, socket, sys
PORT, PAYLOAD = int(sys.argv[sys.argv.index("--port") + 1]), {PAYLOAD!r}

def say(speaker, text):
    print(f"{{speaker}}: {{text}}", flush=True)

def record(event, speaker, message, level="info", **fields):
    print(json.dumps(dict(t_ns=1, logger=speaker, level=level, event=event, message=message, **fields)), flush=True)
"""

SERVER = """
def serve(echo=lambda data: data, told=lambda data: data, name=lambda number, address: f"echo_127.0.0.1_{address[1]}"):
    "Takes one connection after another; what comes back is `echo(data)`, and what the log says of it `told(data)`."
    def on_sigterm(*_):
        say("main", "closing server")
        say("main", "closing event loop")
        sys.exit(0)
    signal.signal(signal.SIGTERM, on_sigterm)
    listener = socket.create_server(("127.0.0.1", 0))
    say("main", f"starting up on localhost port {listener.getsockname()[1]}")
    number = 0
    while True:
        peer, address = listener.accept()
        number += 1
        speaker = name(number, address)
        data = peer.makefile("rb").read()
        say(speaker, "connection accepted")
        if data:
            say(speaker, f"received {data!r}")
            peer.sendall(echo(data))
            say(speaker, f"sent {told(data)!r}")
        say(speaker, "closing")
        peer.close()
"""

CLIENT = """
def ask(tell_port=True):
    "Sends the payload, and returns what comes back; tells which port it has on this side, or not."
    peer = socket.create_connection(("127.0.0.1", PORT))
    say("echo_client", f"connecting to localhost port {PORT}")
    fields = {"local": list(peer.getsockname())} if tell_port else {}
    record("sending", "echo_client", f"sending {PAYLOAD!r}", "debug", offset=0, length=len(PAYLOAD), **fields)
    peer.sendall(PAYLOAD)
    peer.shutdown(socket.SHUT_WR)
    say("echo_client", "waiting for response")
    data = peer.makefile("rb").read()
    say("echo_client", f"received {data!r}")
    return data

def end(code=0):
    say("echo_client", "closing")
    say("main", "closing event loop")
    sys.exit(code)
"""

GOOD_SERVER, GOOD_CLIENT = "serve()", "ask(); end()"


def endpoint(name: str, server: str = GOOD_SERVER, client: str = GOOD_CLIENT) -> Endpoint:
    """An endpoint whose server and client are these few lines of Python."""
    start = (sys.executable, "-I", "-S", "-c")
    commands = ((*start, f"{PRELUDE}{SERVER}\n{server}"), (*start, f"{PRELUDE}{CLIENT}\n{client}"))
    return Endpoint(name, "loop", "3.12.1", name, *commands)


GOOD = endpoint("good")


@pytest.fixture(autouse=True)
def left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[int]]]:
    """The processes of this test that still run; no test may leave any. Should one do so, it is killed at the end."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv("MARK_OF_TEST", mark)

    def find() -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_text(errors="replace"):
                    found.append(int(path.parent.name))
        return found

    yield find
    for pid in find():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def compared(
    servers: Sequence[Endpoint], clients: Sequence[Endpoint], repeat: int = 1, **options: object
) -> Comparison:
    """A comparison of these endpoints; the first with the first is the reference."""
    python = Interpreter(sys.executable, "3.12.1", {})
    selection = Selection((python,), tuple(servers), tuple(clients), Pairing(servers[0], clients[0]), ())
    (comparison,) = compare_all([outlined(selection, Trial(SCENARIO, TCP), repeat)], **options)
    return comparison


def exit_code(comparison: Comparison) -> int:
    return Survey((comparison,), comparison.duration_s).exit_code


def outcomes(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """Verdict and reason of each cell, by `server -> client`."""
    return {str(cell.pairing): (str(cell.verdict), cell.reason) for cell in comparison.cells}


def parts(comparison: Comparison) -> dict[str, tuple[str, ...]]:
    """The verdicts on what was echoed and on how it ended, by `server -> client`."""
    return {str(cell.pairing): tuple(str(cell.verdicts[part]) for part in PARTS) for cell in comparison.cells}


REFERENCE = ("reference", "what the others are held against")
AS_REFERENCE = ("identical", "the same lines as the reference")


def test_endpoints_that_behave_alike_are_identical(left_behind):
    twin = endpoint("twin")
    comparison = compared([GOOD, twin], [GOOD, twin], jobs=2)
    assert outcomes(comparison) == {
        "good -> good": REFERENCE,
        **dict.fromkeys(["good -> twin", "twin -> good", "twin -> twin"], AS_REFERENCE),
    }
    assert exit_code(comparison) == 0
    assert left_behind() == []


FAILING_SERVERS = {
    # What is wrong: the verdicts on what was echoed and on how it ended, the script, the reason.
    "exits with an error when it is stopped": (
        ("identical", "failed"),
        "sys.exit = lambda code: os._exit(3)\nserve()",
        "server exited with 3: main: closing event loop",
    ),
    "loses a byte": (
        ("failed", "identical"),
        "serve(echo=lambda data: data[:-1], told=lambda data: data[:-1])",
        "server sent 19 bytes instead of 20",
    ),
    "loses a byte and denies it": (
        ("failed", "identical"),
        "serve(echo=lambda data: data[:-1])",
        "client received 19 bytes instead of 20",
    ),
    "invents a byte": (
        ("failed", "identical"),
        "serve(echo=lambda data: data + b'!', told=lambda data: data + b'!')",
        "server sent 21 bytes instead of 20",
    ),
    "alters a byte": (
        ("failed", "identical"),
        "serve(echo=lambda data: data.swapcase(), told=lambda data: data.swapcase())",
        "server sent other bytes than the scenario's: b'tHIS IS THE MESSAGE.'",
    ),
    "alters a byte and denies it": (
        ("failed", "identical"),
        "serve(echo=lambda data: data.swapcase())",
        "client received other bytes than the scenario's: b'tHIS IS THE MESSAGE.'",
    ),
    "says nothing of its connections": (
        ("different", "failed"),
        "say_all, say = say, lambda speaker, text: speaker == 'main' and say_all(speaker, text)\nserve()",
        "server tells of 0 connections instead of 1",
    ),
    "shows a traceback": (
        ("identical", "failed"),
        "def on_error(data):\n"
        "    record('log', 'asyncio', 'Unhandled', traceback='Traceback ...\\nKeyError: 7')\n"
        "    return data\n"
        "serve(echo=on_error)",
        "server shows a traceback: KeyError: 7",
    ),
}


@pytest.mark.parametrize("failing", FAILING_SERVERS)
def test_a_failing_server_fails_its_own_row_and_says_why(failing, left_behind):
    verdicts, script, reason = FAILING_SERVERS[failing]
    bad = endpoint("bad", server=script)
    comparison = compared([GOOD, bad], [GOOD], jobs=2)
    assert outcomes(comparison) == {"good -> good": REFERENCE, "bad -> good": ("failed", reason)}
    assert parts(comparison)["bad -> good"] == verdicts
    assert exit_code(comparison) == 1
    assert left_behind() == []


FAILING_CLIENTS = {
    "exits with 1 and says why": (
        ("identical", "failed"),
        "ask()\nsay('echo_client', 'ERROR ended early: 12 of 20 bytes came back from localhost port 1')\nend(1)",
        "client exited with 1: ERROR ended early: 12 of 20 bytes came back from localhost port 1",
    ),
    "exits with 1 and says nothing": (
        ("identical", "failed"),
        "ask()\nend(1)",
        "client exited with 1: main: closing event loop",
    ),
    "does not connect": (
        ("different", "failed"),
        "raise SystemExit('no such option')",
        "client exited with 1: no such option",
    ),
    "says nothing at all": (("different", "failed"), "pass", "client tells of 0 connections instead of 1"),
    "crashes": (
        ("identical", "failed"),
        "ask()\n1 / 0",
        "client prints a traceback: ZeroDivisionError: division by zero",
    ),
    "is killed": (
        ("identical", "failed"),
        "ask()\nos.kill(os.getpid(), signal.SIGKILL)",
        f"client exited with -9: echo_client: received {PAYLOAD!r}",
    ),
    "sends half of it": (
        ("failed", "identical"),
        "PAYLOAD = PAYLOAD[:10]\nask()\nend()",
        "client sending 10 bytes instead of 20",
    ),
    "goes on after its end": (
        ("failed", "failed"),
        "ask()\nsay('echo_client', 'closing')\nsay('echo_client', \"received b'!'\")\nend()",
        "client received 21 bytes instead of 20; client log: \"received b'!'\" comes after 'closing'",
    ),
    "shows a traceback": (
        ("identical", "failed"),
        "ask()\nrecord('log', 'main', 'boom', traceback='Traceback ...\\nKeyError: 7\\n')\nend()",
        "client shows a traceback: KeyError: 7",
    ),
}


@pytest.mark.parametrize("failing", FAILING_CLIENTS)
def test_a_failing_client_fails_its_own_cell_and_says_why(failing, left_behind):
    verdicts, script, reason = FAILING_CLIENTS[failing]
    bad = endpoint("bad", client=script)
    comparison = compared([GOOD], [GOOD, bad, endpoint("late")])
    assert outcomes(comparison) == {
        "good -> good": REFERENCE,
        "good -> bad": ("failed", reason),
        "good -> late": AS_REFERENCE,
    }
    assert parts(comparison)["good -> bad"] == verdicts
    assert exit_code(comparison) == 1
    assert left_behind() == []


@pytest.mark.parametrize("script", ["raise SystemExit('out of luck')", "print('out of luck'); sys.exit(0)"])
def test_a_server_that_ends_at_once_fails_its_row_at_once_and_shows_its_last_words(script, left_behind):
    bad = endpoint("bad", server=script)
    comparison = compared([GOOD, bad], [GOOD, endpoint("late")], jobs=2)
    assert [cell.verdict for cell in comparison.cells] == [
        Verdict.REFERENCE,
        Verdict.IDENTICAL,
        Verdict.FAILED,
        Verdict.FAILED,
    ]
    for cell in comparison.cells[2:]:
        assert cell.reason.startswith("server ended before it was"), "it is not the deadline that was missed"
        assert cell.reason.endswith(": out of luck")
    assert left_behind() == []


def test_a_server_that_never_becomes_ready_fails_its_row(monkeypatch, left_behind):
    # One server after the other: the deadline is short only when it is the turn of the one that hangs.
    silent = endpoint("silent", server="say('main', 'thinking'); signal.pause()")
    comparison = compared([GOOD, silent], [GOOD], tick=lambda: monkeypatch.setattr(serving, "READY_S", SHORT_S))
    bad = comparison.cells[1]
    assert (bad.verdict, comparison.cells[0].verdict) == (Verdict.FAILED, Verdict.REFERENCE)
    assert bad.reason.startswith("server was not ready in 0.5 s")
    assert left_behind() == []


@pytest.fixture
def hanging(monkeypatch) -> Endpoint:
    """An endpoint whose client hangs; nobody else has a short deadline."""
    hanging, wait = endpoint("hanging", client="ask()\nsignal.pause()"), Process.wait

    def hastily(process: Process, deadline_s: float) -> Log:
        is_it = process.command[: len(hanging.client_command)] == hanging.client_command
        return wait(process, SHORT_S if is_it else deadline_s)

    monkeypatch.setattr(Process, "wait", hastily)
    return hanging


def after_each_client(monkeypatch, call: Callable[[], None]) -> None:
    """Have something called each time when a client has ended, in the thread that has waited for it."""
    run_client = runner._run_client

    def run_and_call(*given: object) -> object:
        client = run_client(*given)
        call()
        return client

    monkeypatch.setattr(runner, "_run_client", run_and_call)


def test_a_client_that_hangs_is_ended_and_fails_its_cell(hanging, left_behind):
    comparison = compared([GOOD], [GOOD, hanging, endpoint("late")])
    good, bad, late = comparison.cells
    assert (good.verdict, bad.verdict, late.verdict) == (Verdict.REFERENCE, Verdict.FAILED, Verdict.IDENTICAL)
    assert bad.reason.startswith("client still running after 0.5 s")
    assert left_behind() == []


COMES_AGAIN = """
def again(data=b""):
    "Come once more, and reset the connection where there is nothing to send; the last answer that comes."
    with socket.create_connection(("127.0.0.1", PORT)) as peer:
        peer.sendall(data)
        if not data:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
            return
        peer.shutdown(socket.SHUT_WR)
        return peer.recv(100)

def until_it_is_gone():
    try:
        while again(b"?"):
            pass
    except OSError:
        pass
"""

AT_ONE_CLIENT = {
    # What a server does: its script, what the odd client does to make it do so, the reason.
    "dies": (
        GOOD_SERVER,
        "ask(); again(); until_it_is_gone(); end()",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
    ),
    "shows an error": (
        "def echo(data):\n"
        "    if data == b'!':\n"
        "        record('log', 'asyncio', 'Unhandled', traceback='Traceback ...\\nKeyError: 7')\n"
        "    return data\n"
        "serve(echo)",
        "ask(); again(b'!'); end()",
        "server shows a traceback: KeyError: 7",
    ),
}


@pytest.mark.parametrize("what", AT_ONE_CLIENT)
def test_what_a_server_does_at_one_client_is_not_blamed_on_its_others(what, left_behind):
    server, client, reason = AT_ONE_CLIENT[what]
    odd = endpoint("odd", server, COMES_AGAIN + client)
    ticks = []
    comparison = compared([GOOD, odd], [GOOD, odd, endpoint("late")], tick=lambda: ticks.append(1))
    found = outcomes(comparison)
    assert found["odd -> odd"][0] == "failed"
    assert reason in found["odd -> odd"][1]
    assert (found["odd -> good"], found["odd -> late"]) == (AS_REFERENCE, AS_REFERENCE)
    assert len(ticks) == len(found) == 6
    assert left_behind() == []


@pytest.mark.parametrize("place", [1, 2], ids=["before-it-shows-one", "after-it-has-shown-one"])
def test_a_client_hangs_once_beside_another_at_which_the_server_shows_an_error(
    place, hanging, monkeypatch, left_behind
):
    odd = endpoint("odd", AT_ONE_CLIENT["shows an error"][0], COMES_AGAIN + "ask(); again(b'!'); end()")
    clients = [GOOD, odd]
    clients.insert(place, hanging)
    started = []
    start = runner.Launcher.start
    monkeypatch.setattr(
        runner.Launcher, "start", lambda self, command, **more: started.append(command) or start(self, command, **more)
    )
    found = outcomes(compared([odd], clients))
    assert [found[f"odd -> {name}"][0] for name in ("good", "hanging", "odd")] == ["reference", "failed", "failed"]
    assert sum("signal.pause()" in " ".join(command) for command in started) == 1
    if place == 1:
        assert found["odd -> hanging"][1].startswith("client still running after 0.5 s")
    assert left_behind() == []


@pytest.mark.parametrize("side", ["server", "client"])
def test_an_endpoint_whose_program_is_missing_fails_its_own_cells(side, left_behind):
    missing = ("/nonexistent/program",)
    commands = {"server": GOOD.server_command, "client": GOOD.client_command, side: missing}
    bad = Endpoint("bad", "loop", "3.12.1", "bad", commands["server"], commands["client"])
    comparison = compared([GOOD, bad], [GOOD, bad])
    failed = {str(cell.pairing) for cell in comparison.cells if cell.verdict is Verdict.FAILED}
    assert failed == ({"bad -> good", "bad -> bad"} if side == "server" else {"good -> bad", "bad -> bad"})
    assert all("/nonexistent/program" in cell.reason for cell in comparison.cells if cell.verdict is Verdict.FAILED)
    assert left_behind() == []


NONSENSE = {
    "text": "print('hello, world')",
    "no text": r"os.write(1, b'\xff\xfe\x00\x1b[31m\n')",
    "half a record": "print('{\"event\": ')",
    "a record of nothing": "print('{}')",
    "a record with an address that is none": "record('log', 'main', 'hello', local=[], port={})",
    "bytes that are none": "say('echo_client', 'received 46 bytes')",
    "a number without end": "print(\"echo_client: received b'x'... (\" + '9' * 5000 + ' bytes)')",
    "a literal too deep to read": "print(\"echo_client: received b'' if \" + 'not ' * 100000 + \"b''\")",
    "a traceback of something else": "print('Exception ignored in: f\\nTraceback (most recent call last):\\nOSError')",
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_an_endpoint_that_talks_nonsense_is_different_and_every_line_is_kept(nonsense, left_behind):
    talk = f"sys.stdout.reconfigure(write_through=True)\n{NONSENSE[nonsense]}"
    bad = endpoint("bad", server=f"{talk}\n{GOOD_SERVER}", client=f"{talk}\n{GOOD_CLIENT}")
    comparison = compared([GOOD, bad], [GOOD, bad], jobs=2)
    assert outcomes(comparison).pop("good -> good") == REFERENCE
    for cell in comparison.cells[1:]:
        assert cell.verdict in (Verdict.DIFFERENT, Verdict.FAILED), cell.reason
        (run,) = cell.runs
        assert len(run.client.events) == len(run.client.lines)
        assert len(run.server.events) == len(run.server.lines)
    assert left_behind() == []


@pytest.mark.parametrize("where", ["nowhere", "/tmp/socket", "localhost port none"])
def test_a_server_that_does_not_say_its_port_is_not_ready(where, left_behind):
    bad = endpoint("bad", server=f"say('main', 'starting up on {where}')\nsignal.pause()")
    comparison = compared([GOOD, bad], [GOOD], jobs=2)
    assert [cell.verdict for cell in comparison.cells] == [Verdict.REFERENCE, Verdict.FAILED]
    assert where in comparison.cells[1].reason
    assert left_behind() == []


@pytest.mark.parametrize("end", ["1 / 0", "os._exit(1)"])
def test_a_server_that_crashes_at_a_client_fails_its_row_without_hanging(end, left_behind):
    # Whether it is gone when it is asked to end, is a matter of timing.
    crash = f"def crash(data):\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    {end}\nserve(echo=crash)"
    comparison = compared([GOOD, endpoint("crashing", server=crash)], [GOOD, endpoint("late")], jobs=2)
    assert [cell.verdict for cell in comparison.cells] == [
        Verdict.REFERENCE,
        Verdict.IDENTICAL,
        Verdict.FAILED,
        Verdict.FAILED,
    ]
    for cell in comparison.cells[2:]:
        reason = cell.reason
        assert reason.startswith(
            ("server ended before it was stopped: ", "server exited with 1: ", "server prints a traceback: ")
        )
    assert left_behind() == []


def test_if_the_reference_fails_the_first_that_does_not_stands_in_for_it():
    bad = endpoint("bad", client="ask()\nend(1)")
    comparison = compared([GOOD, endpoint("twin")], [bad, GOOD], jobs=2)
    failed = ("failed", "client exited with 1: main: closing event loop")
    assert outcomes(comparison) == {
        "good -> bad": failed,
        "good -> good": REFERENCE,
        "twin -> bad": failed,
        "twin -> good": AS_REFERENCE,
    }
    (cause,) = comparison.causes
    assert (cause.is_failure, cause.axes) == (True, ("client implementation",))
    assert cause.finding == "Predicted by the client's implementation: in 2 of 4 runs, those with bad"
    assert [cell.causes for cell in comparison.cells] == [("A",), (), ("A",), ()]
    assert exit_code(comparison) == 1


def test_a_pairing_by_itself_has_nothing_to_be_compared_with():
    comparison = compared([GOOD], [GOOD], repeat=2)
    assert outcomes(comparison) == {"good -> good": ("reference", "there is nothing to compare it with")}
    assert parts(comparison)["good -> good"] == ("reference", "reference")
    assert exit_code(comparison) == 0


def test_a_pairing_by_itself_fails_where_something_that_must_hold_does_not():
    comparison = compared([endpoint("bad", server=FAILING_SERVERS["loses a byte"][1])], [GOOD])
    assert outcomes(comparison) == {"bad -> good": ("failed", "server sent 19 bytes instead of 20")}
    assert exit_code(comparison) == 1


def test_a_line_more_is_a_difference_and_its_cause_is_worked_out():
    talkative = endpoint("talkative", client="ask()\nsay('echo_client', 'received EOF')\nsay('asyncio', 'hm')\nend()")
    comparison = compared([GOOD, endpoint("twin")], [GOOD, talkative], jobs=2)
    verdicts = [str(cell.verdict) for cell in comparison.cells]
    assert verdicts == ["reference", "different", "identical", "different"]
    found = {cause.event: (cause.axes, cause.broken and cause.broken.name) for cause in comparison.causes}
    # That an implementation of which the catalogue knows nothing tells of EOF is explained by nothing.
    assert found == {"eof": (("own implementation",), "eof-callback"), "log": (("own implementation",), None)}
    assert not any(cause.explanation is not None for cause in comparison.causes)
    assert exit_code(comparison) == 1


def test_several_runs_say_how_many_agreed():
    # Its third connection is another story.
    moody = endpoint(
        "moody", server="serve(name=lambda n, a: say('asyncio', 'tired') if n > 2 else f'echo_127.0.0.1_{a[1]}')"
    )
    comparison = compared([GOOD, moody], [GOOD], repeat=3, jobs=2)
    good, bad = comparison.cells
    assert (good.verdict, good.agreed, good.repeat) == (Verdict.REFERENCE, 3, 3)
    assert (bad.verdict, bad.agreed, bad.repeat) == (Verdict.FAILED, 2, 3)
    assert bad.reason == "server tells of 0 connections instead of 1 (in 1 of 3 runs)"
    # One run of each behaviour is kept to be looked at.
    assert [[run.number for run in cell.runs] for cell in (good, bad)] == [[1], [1, 3]]


def speakers(run: Run) -> list[str]:
    """The connections of the server's log that a client was given."""
    return list(dict.fromkeys(event.speaker for event in run.server.events if event.speaker.startswith("echo_")))


def run_all(server: Endpoint, clients: Sequence[Endpoint], repeat: int = 1) -> list[Run]:
    """The runs of one server with these clients, in the order in which they are handed over."""
    turns = [(Pairing(server, client), number) for number in range(1, repeat + 1) for client in clients]
    units = runner.units(runner.Unit(SCENARIO, TCP, turns))
    return [run for _, runs in runner.play_all(1, units) for run in runs]


STRANGER = "socket.create_connection(('127.0.0.1', PORT)).close()"


def test_a_client_that_tells_its_port_gets_its_own_connection():
    # Each connects twice, and only the second connection is the one it tells of.
    clients = [endpoint(name, client=f"{STRANGER}\n{GOOD_CLIENT}") for name in ("first", "second")]
    runs = run_all(GOOD, clients)
    ports = [next(event.fields["local"][1] for event in run.client.events if "local" in event.fields) for run in runs]
    assert len(set(ports)) == 2
    for run, port in zip(runs, ports, strict=True):
        assert f"echo_127.0.0.1_{port}" in speakers(run)
        received = [event.message for event in run.server.events if event.name == "received"]
        assert received == [f"received {PAYLOAD!r}"]


def test_a_connection_that_no_client_tells_of_is_not_dropped():
    clients = [endpoint(name, client=f"{STRANGER}\n{GOOD_CLIENT}") for name in ("first", "second")]
    runs = run_all(GOOD, clients)
    assert sum(len(speakers(run)) for run in runs) == 4
    comparison = compared([GOOD], clients)
    assert [cell.reason for cell in comparison.cells][:1] == [
        "server received 0 bytes instead of 20; server tells of 3 connections instead of 1"
    ]


NUMBERED = endpoint("numbered", server="serve(name=lambda number, address: f'echo_unix_{number}')")
SILENT_ON_PORT = "ask(tell_port=False); end()"


def test_where_no_port_is_told_the_first_client_gets_the_first_connection():
    clients = [endpoint(name, client=SILENT_ON_PORT) for name in ("first", "second")]
    runs = run_all(NUMBERED, clients, repeat=2)
    assert [(run.pairing.client.label, run.number, speakers(run)) for run in runs] == [
        ("first", 1, ["echo_unix_1"]),
        ("second", 1, ["echo_unix_2"]),
        ("first", 2, ["echo_unix_3"]),
        ("second", 2, ["echo_unix_4"]),
    ]


def test_a_client_that_never_connected_takes_nobody_elses_connection():
    clients = [endpoint("absent", client="raise SystemExit(1)"), endpoint("present", client=SILENT_ON_PORT)]
    assert [speakers(run) for run in run_all(NUMBERED, clients)] == [[], ["echo_unix_1"]]


def test_every_client_gets_the_servers_own_life_as_well():
    (run,) = run_all(GOOD, [GOOD])
    assert [event.name for event in run.server.events] == [
        "starting",
        "accepted",
        "received",
        "sent",
        "closing",
        "closing_server",
        "closing_loop",
    ]


def test_each_run_counts_as_progress():
    ticks: list[None] = []
    compared([GOOD], [GOOD, endpoint("twin")], repeat=2, tick=lambda: ticks.append(None))
    assert len(ticks) == 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_no_process_behind(jobs, monkeypatch, left_behind):
    running = []

    def interrupt() -> None:
        running.extend(left_behind())
        raise KeyboardInterrupt

    after_each_client(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        compared([GOOD, endpoint("other")], [GOOD, endpoint("late")], jobs=jobs)
    assert running
    assert left_behind() == []


def test_a_signal_that_reaches_another_thread_ends_the_comparison_as_soon(monkeypatch, left_behind):
    deadline_s = 10.0
    monkeypatch.setattr(Scenario, "deadline_s", property(lambda self: deadline_s))

    def interrupt() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    after_each_client(monkeypatch, interrupt)
    start_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        compared([GOOD], [GOOD, endpoint("hanging", client="signal.pause()")])
    assert time.monotonic() - start_s < deadline_s
    assert left_behind() == []


def test_ctrl_c_while_the_servers_are_being_started_waits_for_nobody(monkeypatch, left_behind):
    deadline_s = 10.0
    monkeypatch.setattr(serving, "READY_S", deadline_s)

    def interrupt(*given: object) -> list[runner.Unit]:
        threading.Thread(target=once_somebody_runs).start()
        return units(*given)

    def once_somebody_runs() -> None:
        while not left_behind():
            os.sched_yield()
        signal.raise_signal(signal.SIGINT)

    units = runner.units
    monkeypatch.setattr(runner, "units", interrupt)
    start_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        compared([endpoint("silent", server="signal.pause()"), GOOD], [GOOD])
    assert time.monotonic() - start_s < deadline_s
    assert left_behind() == []


# --- Several scenarios ---
def in_two_scenarios(first: str, second: str) -> Iterator[Comparison]:
    """Comparisons of a client that does something before it ends: this in the first scenario, that in the second."""
    client = endpoint(
        "client", client=f"ask()\nif '--second' not in sys.argv:\n    {first}\nelse:\n    {second}\nend()"
    )
    selection = Selection((), (GOOD,), (client,), Pairing(GOOD, client), ())
    scenarios = SCENARIO, dataclasses.replace(SCENARIO, name="second", options=("--second",))
    return compare_all([outlined(selection, Trial(scenario, TCP)) for scenario in scenarios], jobs=2)


def test_a_scenario_does_not_wait_for_the_last_pairing_of_the_one_before(tmp_path, left_behind):
    met = tmp_path / "met"
    os.mkfifo(met)
    found = list(in_two_scenarios(f"open({str(met)!r})", f"open({str(met)!r}, 'w')"))
    assert [one.scenario.name for one in found] == ["fakes", "second"]
    assert [cell.verdict for one in found for cell in one.cells] == [Verdict.REFERENCE] * 2
    assert left_behind() == []


def test_after_ctrl_c_those_are_shown_too_that_were_done_before_their_turn(monkeypatch, left_behind):
    main, found = iter([threading.get_ident()]), []

    def interrupt() -> None:
        for thread in main:  # once
            signal.pthread_kill(thread, signal.SIGINT)

    after_each_client(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        found.extend(in_two_scenarios("signal.pause()", "pass"))
    assert [(one.scenario.name, one.cells[0].reason) for one in found] == [
        ("fakes", "interrupted before it was run"),
        ("second", "there is nothing to compare it with"),
    ]
    assert left_behind() == []


def test_the_commands_of_a_pairing_can_be_given_any_port(tmp_path):
    scenario = Scenario("options", "", b"", options=("--lockstep",))
    client = client_command(scenario, TCP, Pairing(GOOD, GOOD), tmp_path, 10000)
    assert client == ((*GOOD.client_command, "--port", "10000", "--lockstep"), None)
    assert server_command(scenario, TCP, GOOD, tmp_path) == (*GOOD.server_command, "--port", "0")
