"""`compare.py bench` as its users run it: each workload on each endpoint, its errors, and its end."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import recorded_bench
from harness import DEADLINE_S
from test_compare_cli import COMPARE, NEEDS_RICH, bare_python, environment, run, started

from comparison.bench import command as bench
from comparison.bench import results
from comparison.bench.plan import Arm, Cell, Plan, Sample
from comparison.play.processes import Launcher

pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")

__all__ = ["bare_python"]

SHORT = ("--sample", "0.05", "--rounds", "1", "--connections", "2")
SAID = r"compare\.py: cells: \d+, samples a round: \d+, rounds: 1; about (\d+ min )?\d+ s\n"
"""What is said beforehand."""

LEAST = (*SHORT, "--workload", "echo", "--size", "64", "--server", "streams", "--loop", "asyncio")
"""The options of the shortest benchmark there is."""


@pytest.mark.parametrize(
    ("workloads", "transport"),
    [
        ("echo,fresh,half", "tcp"),
        ("lines", "tcp"),
        ("connect", "tcp"),
        ("memory", "tcp"),
        ("echo,connect,lines", "tls"),
    ],
)
def test_every_workload_runs_on_every_endpoint(workloads, transport, tmp_path):
    saved = tmp_path / "saved.json"
    only = ("--workload", workloads, "--transport", transport, "--loop", "uvloop" if transport == "tls" else "asyncio")
    done = run("bench", *SHORT, *only, "--size", "64", "--save", str(saved), "--format", "markdown")
    assert done.returncode == 0
    assert re.fullmatch(SAID, done.stderr)
    measured = results.load(saved)
    short = "nothing came back in 0.05 s"  # which can be too short for a busy machine
    assert {trouble for sample in measured.samples for trouble in sample.troubles} <= {short}
    assert {cell.workload for cell in measured.cells} == set(workloads.split(","))
    for cell in measured.cells:
        if cell.workload != "lines":
            assert {label.partition("/")[0] for label in cell.arms} >= {"streams", "protocol"}
        assert {sample.arm for sample in measured.samples if sample.cell == cell.key} == set(cell.arms)
        assert all(sample.values or sample.troubles for sample in measured.samples if sample.cell == cell.key)
    assert all(sample.values["held"] == 500 for sample in measured.samples if sample.cell.startswith("memory"))
    assert "1 round: too few for an interval" in done.stdout
    assert "Server CPU per" not in done.stdout
    again = run("bench", "--load", str(saved), "--format", "markdown")
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_the_same_results_as_json_and_in_a_file(tmp_path):
    output = tmp_path / "out.json"
    done = run("bench", *LEAST, "--format", "json", "--output", str(output))
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(SAID, done.stderr)
    document = json.loads(output.read_text())
    assert document["schema"] == results.SCHEMA
    assert {"CPU", "cores", "governor", "cores busy before", "system", "python build", "server on cores"} <= document[
        "environment"
    ].keys()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--size", "0"), "give bytes, or KiB and MiB such as 64, 1K, 128M"),
        (("--size", "1Q"), "give bytes"),
        (("--connections", "-1"), "not a whole number of at least 1"),
        (("--connections", "1,,2"), "an empty name or number"),
        (("--connections", "99999999"), "ask for fewer"),
        (("--sample", "nan"), "not a number above 0"),
        (("--rounds", "0"), "not a whole number of at least 1"),
        (("--workload", "ping"), "choose echo, fresh, lines, connect, memory, half"),
        (("--transport", "udp"), "choose tcp, tls"),
        (("--in-flight", "0"), "not a whole number of at least 1"),
        (("--workload", "lines", "--size", "9"), "a line has 10 bytes at least"),
        (("--server", "nobody"), "known here: streams"),
        (("--reference", "nobody"), "known here: streams"),
        (("--load", "/nonexistent"), "name a file that bench --save has written"),
        (("--load", COMPARE), "is not a file that bench --save has written (it is not JSON)"),
        (("--load", COMPARE, "--save", "x.json"), "not allowed with argument"),
        (("--baseline", "/nonexistent"), "name a file that bench --save has written"),
        (("--save", "/nonexistent/x"), "make it or name another"),
        (("--save", "/"), "is a folder; name a file"),
        (("--plot", COMPARE), "is a file; name a folder"),
        (("--quik",), "all options: --help"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_with_the_remedy(options, remedy, tmp_path):
    done = run("bench", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert remedy in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_psutil_one_line_says_what_to_install(bare_python):
    done = started("bench", "--quick", python=("-S",))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"compare\.py: error: psutil is not installed.*: pip install psutil\n", done.stderr)


def test_recorded_results_are_shown_without_any_package(tmp_path):
    recorded_bench.save(recorded_bench.results(rounds=1), tmp_path / "r.json")
    done = started("bench", "--load", str(tmp_path / "r.json"), python=("-S",))
    assert (done.returncode, done.stderr) == (0, "")
    assert "echo, 1 KiB, 10 connections" in done.stdout
    assert "##" not in done.stdout


@pytest.mark.parametrize(
    ("factor", "code", "verdict"), [(1.3, 1, "worse"), (0.7, 0, "better"), (1.0, 0, "inconclusive")]
)
def test_only_what_is_worse_than_the_baseline_is_a_failure(factor, code, verdict, tmp_path):
    def cost(cell: Cell, arm: str, number: int) -> float:
        return recorded_bench.known(cell, arm, number) * (factor if arm.startswith("streams") else 1.0)

    recorded_bench.save(recorded_bench.results(seed=1), tmp_path / "old.json")
    recorded_bench.save(recorded_bench.results(seed=2, cost=cost), tmp_path / "new.json")
    done = run("bench", "--load", str(tmp_path / "new.json"), "--baseline", str(tmp_path / "old.json"))
    assert (done.returncode, done.stderr) == (code, "")
    assert re.search(rf"echo, 1 KiB, 10 connections +streams/asyncio .* {verdict}\n", done.stdout)


def test_a_baseline_of_other_cells_is_refused_before_anything_is_measured(tmp_path):
    recorded_bench.save(recorded_bench.results(rounds=1, cells=recorded_bench.CELLS[-1:]), tmp_path / "old.json")
    done = run("bench", *LEAST, "--baseline", str(tmp_path / "old.json"))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "it takes the same cells, and echo with buffered among them" in done.stderr


def test_ctrl_c_shows_what_was_measured_and_leaves_no_process(tmp_path):
    """Pressed when the first cell is on disk; what is shown by then is also what the file has."""
    saved = tmp_path / "saved.json"
    command = [sys.executable, COMPARE, "bench", *LEAST, "--rounds", "100000", "--save", str(saved)]
    marker = f"BENCH_TEST_{os.getpid()}"
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**{marker: "1"})
    ) as process:
        wait_for_file(saved, process)
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert errors.count("\n") == 1  # what was said beforehand
    assert "Interrupted: this is what was measured until then." in shown
    assert results.load(saved).interrupted
    assert processes_with(marker) == []


def wait_for_file(path: Path, process: subprocess.Popen[str]) -> None:
    """Until it is there; the process must not end before."""
    while not path.exists():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise AssertionError(process.communicate())


def processes_with(variable: str) -> list[int]:
    """The processes that have a variable in their environment."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if variable in process.environ():
                found.append(process.pid)
    return found


@NEEDS_RICH
def test_on_a_terminal_there_is_a_bar():
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:
        done = started("bench", *SHORT, "--workload", "echo", "--size", "64", "--loop", "asyncio", stderr=theirs)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while data := screen.read(65536):
                shown += data
    assert done.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert re.search(r" \d/\d +\d:\d\d:\d\d", plain)
    assert plain.endswith("\x1b[2K")


ECHO = """
import socket, sys, threading
def serve(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""
"""A server in no way ours: it takes a port, says nothing, and ends by the signal."""


def sample(server: str, tmp_path: Path, workload: str = "echo") -> Sample:
    """One sample of somebody else's server."""
    arm, cell = Arm("other", (sys.executable, "-c", server, "{port}")), Cell(workload, 64, 2, ("other",))
    with Launcher() as launcher:
        return bench.take(Plan((arm,), (cell,), 1, 0.05), launcher, tmp_path, (None, None), (1, cell, arm))


@pytest.mark.usefixtures("programs_start_afresh")
@pytest.mark.parametrize("workload", ["echo", "fresh", "connect", "memory", "half"])
def test_a_server_of_somebody_else_is_measured(workload, tmp_path):
    found = sample(ECHO, tmp_path, workload)
    assert found.troubles == ()
    assert found.values


@pytest.mark.parametrize(
    ("server", "trouble"),
    [
        ("raise SystemExit('no licence')", "the server ended before it was ready: no licence"),
        (ECHO.replace("connection.sendall(data)", "sys.exit"), None),
        (ECHO.replace("connection.sendall(data)", "__import__('os')._exit(3)"), "the server ended"),
    ],
)
def test_a_server_that_fails_is_a_sample_with_trouble(server, trouble, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PATIENCE_S", 0.3)
    found = sample(server, tmp_path)
    assert found.values == {}
    assert any((trouble or "no answer within 0.3 s") in text for text in found.troubles), found.troubles


def test_a_program_that_does_not_exist_is_a_sample_with_trouble(tmp_path):
    arm, cell = Arm("other", ("/nonexistent", "{port}")), Cell("echo", 64, 1, ("other",))
    with Launcher() as launcher:
        found = bench.take(Plan((arm,), (cell,), 1, 0.05), launcher, tmp_path, (None, None), (1, cell, arm))
    assert "No such file" in found.troubles[0]
