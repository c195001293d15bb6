"""What a cluster plays comes out as what is played here, whatever becomes of its workers."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from harness import ROOT
from test_compare_cli import COMPARE, DEADLINE_S, TWO, environment, marked, program_file, wait_until
from test_compare_cli import mark as mark

from comparison import cluster
from comparison.model import CannotCompare, Endpoint, Pairing
from comparison.play.runner import Unit, units
from comparison.play.transports import TCP
from comparison.scenarios import TUTORIAL

distributed = pytest.importorskip("distributed", reason="it is not installed: pip install distributed")

KILLS_ITS_WORKER = """
mkdir {folder}/killed 2>/dev/null && {{ kill -KILL $PPID; exit; }}
exec {python} {echo} client "$@"
"""
"""A client that kills who has started it, the first time. Its server runs on, unless somebody ends it."""

HANGS = """
touch {folder}/hangs
exec sleep 1000
"""


@pytest.fixture
def address(tmp_path, mark):
    """Where a scheduler with two workers listens; they bear the mark of the test."""
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    workers = [["dask_worker", *options, "--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path)]] * 2
    with contextlib.ExitStack() as stack:
        for module, *more in (["dask_scheduler", *options, "--port", "0"], *workers):
            command = [sys.executable, "-m", f"distributed.cli.{module}", *more]
            env = environment(MARK_OF_TEST=mark, PYTHONPATH=str(ROOT))
            process = stack.enter_context(
                subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
            wait_until(file.exists, process)
        found = json.loads(file.read_text())["address"]
        with distributed.Client(found, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=DEADLINE_S)
        yield found


def compare(*options, **more):
    """compare.py, while it runs."""
    command = [sys.executable, COMPARE, *options, "--format", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def mine(folder, script):
    """An endpoint whose client is a script."""
    script = script.format(folder=folder, python=sys.executable, echo=ROOT / "tests" / "plain_echo.py")
    command = f"{program_file(folder / 'mine', script)} {{host}} {{port}}"
    return ("--endpoint", "mine", "--client-command", command)


def wait_until_gone(mark, name, within_s=DEADLINE_S):
    until_s = time.monotonic() + within_s
    while any(name in command for command in marked(mark).values()):
        assert time.monotonic() < until_s, "a process is left"


def test_a_worker_that_is_killed_loses_nothing_and_leaves_no_process_behind(address, mark, tmp_path):
    options = ("--scenario", "tutorial,reset-mid-stream", *mine(tmp_path, KILLS_ITS_WORKER), "--loop", "asyncio")
    found = []
    for more in (("--cluster", address), ()):
        with compare(*options, *more) as process:
            out, err = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, err) == (0, "")
        cells = [cell for one in json.loads(out)["comparisons"] for cell in one["cells"]]
        found.append([(cell["server"], cell["client"], cell["verdict"], cell["reason"]) for cell in cells])
    assert (tmp_path / "killed").exists()
    assert found[0] == found[1]
    wait_until_gone(mark, "_impl.server")
    assert sum("dask_worker" in command for command in marked(mark).values()) == 1


def test_ctrl_c_ends_what_the_workers_play(address, mark, tmp_path):
    with compare(*mine(tmp_path, HANGS), *TWO, "--client", "mine", "--cluster", address) as process:
        wait_until((tmp_path / "hangs").exists, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out, err) == (130, "", "compare.py: interrupted; every endpoint was stopped\n")
    wait_until_gone(mark, "sleep", within_s=TUTORIAL.deadline_s / 2)  # it is not the deadline that ends it
    wait_until_gone(mark, "_impl.server")


@pytest.mark.parametrize(("given", "told"), [("127.0.0.1:1", "Timed out"), ("nowhere", "missing port number")])
def test_an_address_at_which_nobody_listens_is_one_line_with_the_remedy(given, told):
    with compare("--cluster", given) as process:
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"compare.py: error: --cluster '{given}': no scheduler answers there ({told}")
    assert err.endswith("; name one that runs, or start it: dask scheduler\n")


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CannotCompare, match="pip install distributed"), cluster.workers("127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    ("program", "version", "told"),
    [("/nowhere/python", cluster.version(), "no /nowhere/python"), (sys.executable, "old", "another version")],
)
def test_a_worker_that_is_not_like_this_machine_says_so(program, version, told):
    end = Endpoint("any", "none", "none", "any", (program,), (program,))
    [unit] = units(Unit(TUTORIAL, TCP, [(Pairing(end, end), 1)]))
    with pytest.raises(CannotCompare, match=f"the worker on {os.uname().nodename} has {told}"):
        cluster.play_there(unit, version)
