"""What can be tried beyond the tutorial: every scenario, and every transport, with every server and every client."""

import contextlib
import dataclasses
import importlib.util
import json
import shlex
import signal
import subprocess
import threading

import pytest
from harness import ROOT, Endpoint
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENDPOINTS, PLAIN, TUTORIAL, client_lines, judged, matrix, run, server_lines

import compare as program
from common.logs import EVENTS
from comparison.judge.catalogue import CATALOGUE
from comparison.judge.causes import Names
from comparison.judge.condense import KEPT_CONNECTIONS
from comparison.judge.differences import projections
from comparison.judge.expectations import faults
from comparison.model import MIB, RAW, CannotCompare, Expectation, Log, Pairing, Scenario, Verdict, stretch
from comparison.play import runner as running
from comparison.play.transports import TRANSPORTS, missing, prepare
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import Trial, choose, trials
from comparison.transcript import connections, parse

LARGE = {"64-mib": ("streams/asyncio", "protocol/asyncio"), "1000-connections": ("protocol/asyncio", "streams/asyncio")}
"""Scenarios that are tried here with one pairing, the others with all."""


def all_explained(trial, *, servers=None, clients=None):
    """Run a comparison: no pairing may fail, differ without an explanation, or be skipped, but for a machine that is
    too busy to tell: other tests run beside this one."""
    if trial.transport.name in ("tls", "mtls"):
        pytest.importorskip("trustme", reason="certificates need trustme: [tls]")
    assert missing(trial.transport) is None
    (comparison,) = compare_all([outlined(choose(servers=servers, clients=clients), trial)], jobs=2)
    told = [cell for cell in comparison.cells if cell.reason != running.TOO_BUSY]
    bad = [f"{cell.pairing} {cell.verdict}: {cell.reason}" for cell in told]
    assert not any(cell.verdict.is_trouble or cell.verdict is Verdict.SKIPPED for cell in told), bad
    if not told:
        pytest.skip(running.TOO_BUSY)
    return comparison


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in LARGE])
def test_every_scenario_comes_out_alike_or_explained(name):
    (trial,) = trials([name], None)
    comparison = all_explained(trial)
    for entry in CATALOGUE.values():
        if entry.scenario == name:
            check_that_it_is_seen(entry, comparison)


def check_that_it_is_seen(entry, comparison):
    """An explanation can be seen where it says, by whom it says."""
    if "own loop" in entry.axis and importlib.util.find_spec("uvloop") is None:
        pytest.skip("two loops are needed: pip install uvloop")
    seen = [cause for cause in comparison.causes if cause.explanation == entry]
    assert seen, comparison.causes
    assert all(entry.axis in cause.axes for cause in seen), comparison.causes
    with_it = {cell.verdict for cell in comparison.cells if seen[0].name in cell.causes}
    assert with_it == {Verdict.EXPLAINED if entry.kind == "done" else Verdict.ALIKE}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_scenario_comes_out_alike_or_explained(name):
    server, client = LARGE[name]
    (trial,) = trials([name], None)
    all_explained(trial, servers=[server], clients=[client])


@pytest.mark.parametrize("name", [name for name in TRANSPORTS if name != SCENARIOS["tutorial"].transports[0]])
def test_every_transport_carries_the_tutorial(name):
    comparison = all_explained(Trial(SCENARIOS["tutorial"], TRANSPORTS[name]))
    assert {cause.event for cause in comparison.causes} <= {"eof", "selector"}


@given(pattern=st.binary(max_size=20), times=st.integers(0, 200), offset=st.integers(0, 100), size=st.integers(0, 300))
def test_what_a_scenario_sends_is_known_at_any_place(pattern, times, offset, size):
    assert Scenario("any", "", pattern, times).length == len(pattern * times)
    assert stretch(pattern, offset, size) == (pattern * 400)[offset : offset + size]


@pytest.mark.parametrize("times", [1, 3, 2 * MIB // 251 + 7])
def test_the_file_holds_the_bytes_of_the_scenario(times, tmp_path):
    scenario = Scenario("file", "", bytes(range(251)), times, from_file=True)
    prepare(scenario, TRANSPORTS["tcp"], tmp_path)
    assert (tmp_path / "payload").read_bytes() == scenario.pattern * times


def test_a_port_that_comes_again_is_another_connection():
    pairing = Pairing(ENDPOINTS[0], ENDPOINTS[0])
    life = server_lines(ENDPOINTS[0])
    lines = (*life[:-2], *life[2:-2], *life[-2:]), client_lines(ENDPOINTS[0])
    server, client = (Log((), tuple(own), 0, events=parse(own)) for own in lines)
    met = [running._Client((pairing, number), client) for number in (1, 2)]
    runs = list(running._pair(met, server))
    assert [faults(TUTORIAL, one) for one in runs] == [{}, {}]
    assert projections(TUTORIAL, runs[0]) == projections(TUTORIAL, runs[1])
    assert [list(one.server.lines) for one in runs] == [life, life]


def test_connections_that_are_alike_are_told_once():
    pairing = Pairing(ENDPOINTS[0], ENDPOINTS[2])
    life = server_lines(pairing.server)
    several = [line.replace("64624", str(port)) for port in (64625, 64626) for line in life[2:-2]]
    client = [
        line.replace("echo_client", f"echo_client_{number}")
        for number in (1, 2, 3)
        for line in client_lines(pairing.client)[1:-1]
    ]
    three = run(pairing, [*life[:-2], *several, *life[-2:]], [*client, "main: closing event loop"])
    assert faults(dataclasses.replace(TUTORIAL, connections=3), three) == {}
    assert faults(TUTORIAL, three) == {"ending": "client tells of 3 connections instead of 1"}
    texts = [line.text for line in projections(TUTORIAL, three)["server"]]
    assert texts.count("echo_127.0.0.1_<port>: closing") == 1
    assert "(3 connections like this one)" in texts


def test_one_connection_unlike_the_others_is_seen():
    scenario = dataclasses.replace(TUTORIAL, connections=2)

    def twice(pairing, side, lines):
        if side == "client":
            start = next(n for n, line in enumerate(lines) if line.startswith("echo_client"))
            blocks = [line.replace("echo_client", f"echo_client_{n}") for n in (1, 2) for line in lines[start:-1]]
            return [*lines[:start], *blocks, lines[-1]]
        start = next(n for n, line in enumerate(lines) if line.startswith("echo_"))
        other = [line.replace("64624", "64625") for line in lines[start:-2]]
        odd = pairing == Pairing(ENDPOINTS[2], ENDPOINTS[3])
        other = [line for line in other if not (odd and "received EOF" in line)]
        return [*lines[:-2], *other, *lines[-2:]]

    cells, _, _ = judged(scenario, matrix(twice), Pairing(ENDPOINTS[0], ENDPOINTS[0]))
    assert Verdict.DIFFERENT in {cell.verdict for cell in cells}


def test_saved_commands_repeat_what_needs_files(tmp_path):
    folder = tmp_path / "kept"
    options = "--scenario every-byte --transport mtls --server streams --client protocol --loop asyncio --save"
    pytest.importorskip("trustme", reason="certificates need trustme: [tls]")
    assert program.main([*shlex.split(options), str(folder), "--output", str(tmp_path / "out")]) == 0
    (commands,) = folder.glob("every-byte-mtls/*/commands.txt")
    serve, connect = (shlex.split(line) for line in commands.read_text().splitlines()[1:])
    serve[serve.index("--port") + 1] = "0"
    with Endpoint("streams", "server", *serve[3:]) as server:
        connect[connect.index("--port") + 1] = str(server.port())
        done = subprocess.run(connect, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "... (256 bytes)" in done.stderr


def test_what_is_shown_names_scenario_and_transport(capsys):
    options = "--scenario lockstep --transport tcp --server streams --client streams --loop asyncio --format markdown"
    assert program.main(shlex.split(options)) == 0
    assert (
        f"\n1 server x 1 client: {SCENARIOS['lockstep'].description}, over {TRANSPORTS['tcp'].description}\n"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("option", "rest"),
    [("--scenario", "--list has every one"), ("--transport", f"known are all, {', '.join(TRANSPORTS)}")],
)
def test_an_unknown_name_lists_the_known_ones_where_they_are_few(option, rest, capsys):
    assert program.main([option, "nosuch"]) == 2
    assert capsys.readouterr().err == f"compare.py: error: {option} 'nosuch' is unknown; {rest}\n"


def names(chosen):
    return [(trial.scenario.name, trial.transport.name, trial.skipped) for trial in chosen]


def test_each_scenario_runs_over_its_own_transport_where_none_is_chosen():
    assert names(trials(["tls", "tutorial", "tls", "socket-in-use"], None)) == [
        ("tls", "tls", None),
        ("tutorial", "tcp", None),
        ("socket-in-use", "unix", None),
    ]


def test_a_scenario_that_a_transport_cannot_carry_is_skipped_and_says_what_can():
    chosen = trials(["refuses", "tutorial"], ["unix", "tcp"])
    assert names(chosen) == [
        ("refuses", "unix", "there is no refuses over unix, only tcp, tcp6"),
        ("refuses", "tcp", None),
        ("tutorial", "unix", None),
        ("tutorial", "tcp", None),
    ]
    skipped, *_ = compare_all([outlined(choose(loops=["asyncio"]), chosen[0])])
    assert [(str(cell.pairing), cell.verdict, cell.reason, cell.verdicts) for cell in skipped.cells] == [
        (f"raw sockets -> {name}/asyncio", Verdict.SKIPPED, "there is no refuses over unix, only tcp, tcp6", {})
        for name in ("streams", "protocol")
    ]


def test_all_stands_for_every_one():
    assert [trial.scenario for trial in trials(["all"], None)] == list(SCENARIOS.values())
    assert [trial.transport for trial in trials(["tutorial"], ["all"])] == list(TRANSPORTS.values())


def test_an_unknown_name_beside_all_is_unknown_all_the_same():
    with pytest.raises(CannotCompare, match="--scenario 'nosuch' is unknown; --list has every one"):
        trials(["all", "nosuch"], None)


def test_a_cause_goes_by_the_name_of_its_explanation_or_by_the_same_letter_in_every_scenario():
    names = Names()

    def says(*more):
        def edit(pairing, side, lines):
            return [*lines, *more] if side == "server" and pairing.server.loop == "uvloop" else lines

        return matrix(edit)

    found = [
        judged(PLAIN, runs, Pairing(ENDPOINTS[0], ENDPOINTS[0]), names)[1]
        for runs in (says("main: more"), says("asyncio: odd", "main: more"))
    ]
    known = [("eof-callback", "eof"), ("selector", "selector")]
    assert [[(cause.name, cause.event) for cause in causes] for causes in found] == [
        [("A", "unreadable"), *known],
        [("B", "log"), ("A", "unreadable"), *known],
    ]


def expecting(**expects):
    return dataclasses.replace(TUTORIAL, expects=Expectation(**expects))


PAIRING = Pairing(ENDPOINTS[0], ENDPOINTS[2])
LINES = server_lines(PAIRING.server), client_lines(PAIRING.client)
FAULTS = {
    "all is well": (TUTORIAL, run(PAIRING, *LINES), []),
    "an exit code that must be another": (
        expecting(client_exit=1),
        run(PAIRING, *LINES),
        [("ending", "client exited with 0 instead of 1: main: closing event loop")],
    ),
    "the exit code that must be": (expecting(client_exit=1), run(PAIRING, *LINES, client_exit=1), []),
    "an ending that may not be": (
        expecting(server_endings=("lost", "idle")),
        run(PAIRING, *LINES),
        [("ending", "server connection ended with 'closing' instead of 'lost' or 'idle'")],
    ),
    "an event that must be told": (
        expecting(told=("eof",)),
        run(PAIRING, *LINES),
        [("ending", "server does not tell of 'eof'")],
    ),
    "too much memory": (
        expecting(memory_mib=96),
        run(PAIRING, *LINES, peak_bytes=97 * MIB),
        [("ending", "server took 97 MiB of memory, more than 96 MiB")],
    ),
    "memory enough": (expecting(memory_mib=96), run(PAIRING, *LINES, peak_bytes=96 * MIB), []),
    "a part, where all must come back": (
        TUTORIAL,
        run(PAIRING, *([line for line in lines if "in parts.'" not in line] for lines in LINES)),
        [("echo", "client sending 37 bytes instead of 46")],
    ),
    "a part, where a part may come back": (
        expecting(echo="part"),
        run(
            PAIRING,
            *([line.replace("sent in parts.'", "sent '") for line in lines if "b'in " not in line] for lines in LINES),
        ),
        [],
    ),
    "other bytes, where a part may come back": (
        expecting(echo="part"),
        run(PAIRING, LINES[0], [line.replace("received b'This", "received b'tHIS") for line in LINES[1]]),
        [
            (
                "echo",
                "client received other bytes than the scenario's: b'tHIS is the message. It will be sent in parts.'",
            )
        ],
    ),
    "more than all, where a part may come back": (
        expecting(echo="part"),
        run(PAIRING, LINES[0], [line.replace("in parts.'", "in parts.!'") for line in LINES[1]]),
        [("echo", "client sending 47 bytes, more than 46")],
    ),
}
"""What is expected, a run, and the faults that are found in it."""


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_expected_must_hold(name):
    scenario, one, expected = FAULTS[name]
    assert list(faults(scenario, one).items()) == expected


def test_a_client_that_is_interrupted_tells_of_no_end():
    interrupted = dataclasses.replace(SCENARIOS["interrupted"], name="any")
    lines = [line for line in LINES[1] if "closing" not in line or "loop" in line]
    pairing = Pairing(RAW, ENDPOINTS[2])
    assert faults(interrupted, run(pairing, [], lines, client_exit=130)) == {}
    told = faults(interrupted, run(pairing, [], LINES[1], client_exit=130))
    assert told == {"ending": "client connection ended with 'closing'"}


def test_a_client_that_does_not_understand_its_command_line_connects_to_nobody():
    missing = SCENARIOS["file-missing"]
    pairing = Pairing(RAW, ENDPOINTS[2])
    assert faults(missing, run(pairing, [], ["python -m client: error: no such file"], client_exit=2)) == {}
    connects = run(pairing, [], [line for line in LINES[1] if "echo_client: closing" not in line], client_exit=2)
    assert faults(missing, connects) == {"ending": "client tells of 1 connections instead of 0"}


@pytest.mark.parametrize(("event", "level"), [("out_of_files", "warning"), ("cannot_serve", "error")])
def test_a_warning_must_be_one_that_is_expected(event, level):
    message = EVENTS[event].text.format(address="localhost port 10000", reason="no files")
    lost = json.dumps({"t_ns": 1, "logger": "main", "level": level, "event": event, "message": message})
    one = run(PAIRING, [*LINES[0][:-1], lost, LINES[0][-1]], LINES[1])
    assert faults(TUTORIAL, one) == {"ending": f"server complains: main: {message}"}
    assert faults(expecting(warnings=(event,)), one) == {}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_declared_in_full(name):
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert scenario.description
    assert scenario.transports
    assert set(scenario.transports) <= set(TRANSPORTS)
    assert (scenario.script is None) == (scenario.on_trial == ("server", "client"))


def _while_peers_come(stage):
    stage.start()
    stays, lock = stage.connect(), threading.Lock()
    stays.round_trip()

    def come():
        with contextlib.suppress(OSError):
            while True:
                sock = stage.connect_socket()
                with lock:
                    peer = stage._peer(sock, echoed=True)
                peer.send(10)
                peer.half_close()
                peer.receive_to_end()

    coming = [threading.Thread(target=come) for _ in range(4)]
    for thread in coming:
        thread.start()
    stage.wait_for("closing", 20)
    stage.stop(signal.SIGTERM)
    for thread in coming:
        thread.join()
    stays.half_close()
    stays.receive_to_end()


def test_no_server_fails_at_which_peers_connect_all_the_time_while_it_is_stopped():
    """One that comes at that very moment may be served or not; uvloop may tell of it after 'closing server'."""
    expects = Expectation(
        echo="part", server_endings=("closing", "lost"), client_endings=("saw_eof", "saw_reset"), all_accepted=False
    )
    played = {"script": _while_peers_come, "server_options": ("--grace", "60"), "on_trial": ("server",)}
    scenario = Scenario("any", "", b"0123456789abc", expects=expects, **played)
    (comparison,) = compare_all([outlined(choose(), Trial(scenario, TRANSPORTS["tcp"]), 3)], jobs=2)
    failed = [cell.reason for cell in comparison.cells if cell.verdict is Verdict.FAILED]
    assert failed == []
    assert all(
        len(connections(run.client.events)) >= KEPT_CONNECTIONS for cell in comparison.cells for run in cell.runs
    )
