"""What can be tried beyond the tutorial: every scenario, and every transport, with every server and every client."""

import dataclasses
import shlex
import subprocess

import pytest
from harness import ROOT, Endpoint
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENDPOINTS, TUTORIAL, client_lines, matrix, run, server_lines

import compare as program
from comparison import matrix as running
from comparison.differences import projections
from comparison.model import Log, Pairing, Scenario, Verdict
from comparison.run import choose, compare
from comparison.scenarios import MIB, SCENARIOS, TRANSPORTS, check_available, write_payload
from comparison.verdicts import fault, judge

LARGE = {"64-mib": ("streams/asyncio", "protocol/asyncio"), "1000-connections": ("protocol/asyncio", "streams/asyncio")}
"""Scenarios that are tried here with one pairing, the others with all."""


def all_explained(scenario, transport, *, servers=None, clients=None):
    """Run a comparison: no pairing may fail or differ without an explanation."""
    selection = choose(servers=servers, clients=clients)
    comparison = compare(selection, scenario, transport=transport, jobs=2)
    bad = [f"{cell.pairing} {cell.verdict}: {cell.reason}" for cell in comparison.cells]
    verdicts = {cell.verdict for cell in comparison.cells}
    assert verdicts <= {Verdict.IDENTICAL, Verdict.EXPLAINED}, bad
    return comparison


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in LARGE])
def test_every_scenario_comes_out_alike_or_explained(name):
    all_explained(SCENARIOS[name], TRANSPORTS["tcp"])


@pytest.mark.parametrize("name", LARGE)
def test_a_large_scenario_comes_out_alike_or_explained(name):
    server, client = LARGE[name]
    all_explained(SCENARIOS[name], TRANSPORTS["tcp"], servers=[server], clients=[client])


@pytest.mark.parametrize("name", TRANSPORTS)
def test_every_transport_carries_the_tutorial(name):
    pytest.importorskip("trustme", reason="certificates need trustme: [tls]")
    check_available(TRANSPORTS[name])
    comparison = all_explained(SCENARIOS["tutorial"], TRANSPORTS[name])
    assert {cause.event for cause in comparison.causes} <= {"eof", "selector"}


@given(pattern=st.binary(min_size=1, max_size=20), times=st.integers(0, 200), size=st.integers(0, 300))
def test_a_scenario_knows_how_its_bytes_begin(pattern, times, size):
    scenario = Scenario("any", "", pattern, times)
    whole = pattern * times
    assert scenario.length == len(whole)
    assert scenario.starts_with(whole[:size])
    if whole:
        assert not scenario.starts_with(bytes([whole[0] ^ 1]) + whole[1:size])


@pytest.mark.parametrize("times", [1, 3, 2 * MIB // 251 + 7])
def test_the_file_holds_the_bytes_of_the_scenario(times, tmp_path):
    scenario = Scenario("file", "", bytes(range(251)), times, from_file=True)
    write_payload(scenario, tmp_path / "payload")
    assert (tmp_path / "payload").read_bytes() == scenario.pattern * times


def test_a_port_that_comes_again_is_another_connection():
    pairing = Pairing(ENDPOINTS[0], ENDPOINTS[0])
    life = server_lines(ENDPOINTS[0])
    server = Log((), (*life[:-2], *life[2:-2], *life[-2:]), 0)
    client = Log((), tuple(client_lines(ENDPOINTS[0])), 0)
    runs = running._pair([(pairing, 1), (pairing, 2)], server, [client, client])
    assert [fault(TUTORIAL, one) for one in runs] == [None, None]
    assert projections(runs[0]) == projections(runs[1])


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
    assert fault(dataclasses.replace(TUTORIAL, connections=3), three) is None
    assert fault(TUTORIAL, three) == "client tells of 3 connections instead of 1"
    texts = [line.text for line in projections(three)["server"]]
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

    cells, _, _ = judge(scenario, matrix(twice), Pairing(ENDPOINTS[0], ENDPOINTS[0]))
    assert Verdict.DIFFERENT in {cell.verdict for cell in cells}


def test_saved_commands_repeat_what_needs_files(tmp_path):
    folder = tmp_path / "kept"
    options = "--scenario every-byte --transport mtls --server streams --client protocol --loop asyncio --save"
    pytest.importorskip("trustme", reason="certificates need trustme: [tls]")
    assert program.main([*shlex.split(options), str(folder), "--output", str(tmp_path / "out")]) == 0
    (commands,) = folder.glob("*/commands.txt")
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
    assert SCENARIOS["lockstep"].description in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--scenario", "--transport"])
def test_an_unknown_name_lists_the_known_ones(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        program.main([option, "nosuch"])
    known = SCENARIOS if option == "--scenario" else TRANSPORTS
    error = capsys.readouterr().err
    assert all(name in error for name in known)
