"""What the machine or a program lacks is skipped with its reason, not failed; and so is what a machine that is too busy
cannot tell. Nothing of it passes silently."""

import contextlib
import dataclasses
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from types import SimpleNamespace

import pytest
from harness import ROOT

import compare as compare_py
from common import options
from comparison import run_command
from comparison.model import Endpoint, Log, Pairing, Verdict
from comparison.play import machine, runner
from comparison.play import stage as base
from comparison.play.peers import Late
from comparison.play.processes import Process
from comparison.play.transports import TRANSPORTS, missing, not_supported
from comparison.run import compare_all, outlined
from comparison.scenarios import SCENARIOS
from comparison.selection import Selection, Trial, choose
from comparison.transcript import parse

resource = pytest.importorskip("resource", reason="there are no such limits on Windows")


def compare(*options, before="", **environment):
    """What a user sees of `compare.py run` in a shell, after the command `before`: each scenario with its cells."""
    words = [sys.executable, "compare.py", "run", "--loop", "asyncio", "--format", "json", *options]
    script = f"{before}\nexec {shlex.join(words)}"
    env = {**os.environ, **environment}
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return {
        comparison["scenario"]["name"]: comparison["cells"] for comparison in json.loads(done.stdout)["comparisons"]
    }


def reasons(cells):
    return {(cell["verdict"], cell["reason"]) for cell in cells}


# --- Open files ---
@pytest.mark.parametrize(("limit", "name", "wanted"), [(512, "1000-connections", 1024), (64, "200-half-open", 224)])
def test_more_connections_than_open_files_are_skipped_with_the_remedy(limit, name, wanted):
    found = compare("--scenario", f"one-byte,{name}", "--server", "streams", before=f"ulimit -n {limit}")
    assert reasons(found[name]) == {
        (
            "skipped",
            f"a process may have {limit} files open here, and this takes {wanted}; raise the limit: ulimit -n {wanted}",
        )
    }
    assert "failed" not in {verdict for verdict, _ in reasons(found["one-byte"])}


def test_a_limit_that_one_may_lift_is_lifted():
    found = compare("--scenario", "200-half-open", "--jobs", "1", "--server", "protocol", before="ulimit -S -n 64")
    assert not {verdict for verdict, _ in reasons(found["200-half-open"])} & {"skipped", "failed"}


def limited(monkeypatch, soft, hard):
    """A process with these limits of open files; what it then asks for."""
    asked = []
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(machine.resource, "setrlimit", lambda _, limits: asked.append(limits))
    return asked


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "asked"),
    [
        (1000, 1000, 500, []),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 500, []),
        (256, 1000, 500, [(500, 1000)]),
        (256, resource.RLIM_INFINITY, 500, [(500, resource.RLIM_INFINITY)]),
        (256, 400, 400, []),
    ],
)
def test_how_many_files_may_be_open(soft, hard, allowed, asked, monkeypatch):
    found = limited(monkeypatch, soft, hard)
    assert machine.allow_files(500) == allowed
    assert found == asked


def test_a_limit_that_is_called_none_and_refused_counts_as_it_is(monkeypatch):
    def refuse(*_):
        raise ValueError

    limited(monkeypatch, 256, resource.RLIM_INFINITY)
    monkeypatch.setattr(machine.resource, "setrlimit", refuse)
    assert machine.allow_files(500) == 256


def unit(name, **fields):
    """What one server takes in a scenario."""
    server = Endpoint("any", "none", "none", "any", ("server",), ("client",), **fields)
    [found] = runner.units(runner.Unit(SCENARIOS[name], TRANSPORTS["tcp"], [(Pairing(server, server), 1)]))
    return found


def test_of_servers_that_choose_their_address_one_runs_at_a_time():
    fixed, free = unit("tutorial", server_address=("localhost", 10000)), unit("tutorial")
    assert [runner.fit(8, side_by_side) for side_by_side in ([fixed, free], [fixed, free, fixed])] == [True, False]


def test_where_the_engine_holds_the_connections_fewer_runs_go_on_at_once(monkeypatch):
    limited(monkeypatch, 512, 512)
    assert machine.runs_at_once(SCENARIOS["200-half-open"], 8) == 2
    assert machine.runs_at_once(SCENARIOS["tutorial"], 8) == 8
    dear, cheap = unit("200-half-open"), unit("tutorial")
    assert [runner.fit(8, side_by_side) for side_by_side in ([cheap] * 8, [cheap] * 9)] == [True, False]
    assert [runner.fit(8, side_by_side) for side_by_side in ([cheap, dear], [cheap, dear, cheap])] == [True, False]
    limited(monkeypatch, 64, 64)
    assert machine.runs_at_once(SCENARIOS["200-half-open"], 8) == 1


# --- A folder for sockets, and for files ---
def test_a_long_temporary_folder_has_its_unix_sockets_in_a_short_one(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    options = ("--scenario", "one-byte,socket-left-over", "--transport", "unix", "--server", "streams")
    found = compare(*options, TMPDIR=str(folder))
    for cells in found.values():
        assert not {verdict for verdict, _ in reasons(cells)} & {"skipped", "failed"}, cells


def test_without_a_short_folder_unix_sockets_are_skipped(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/" + "long" * 30)
    monkeypatch.setattr(machine.os, "access", lambda path, mode: path != "/tmp")
    assert missing(TRANSPORTS["unix"]) == (
        "the folder for temporary files has too long a path for a Unix socket; set TMPDIR to a shorter one"
    )
    assert missing(TRANSPORTS["tcp"]) is None


def test_a_disk_without_room_for_the_bytes_is_no_failure():
    found = compare("--scenario", "64-mib", "--server", "streams", "--client", "streams", before="ulimit -f 1000")
    assert reasons(found["64-mib"]) == {
        ("skipped", "this machine is out of room for a file of this size; raise the limit: ulimit -f")
    }


# --- Threads ---
def test_a_client_that_gets_no_thread_is_no_failure():
    remedy = "can't start new thread: end other programs, or raise the limit (ulimit -u)"
    lines = ("echo_client: connecting to localhost port 1", f"main: ERROR {remedy}", "main: closing event loop")
    assert not_supported(program(), Log(("connect",), lines, 1, events=parse(lines))) == remedy
    assert not_supported(program(), Log(("connect",), lines[:1], 1, events=parse(lines[:1]))) is None


def no_thread(*_, **__):
    raise RuntimeError("can't start new thread")


def test_a_process_that_nobody_can_watch_is_not_left_behind(monkeypatch):
    started = []
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    monkeypatch.setattr(Process, "_kill_all", lambda self: (started.append(self), self._popen.kill()))
    with pytest.raises(OSError, match="can't start new thread") as caught:
        Process([sys.executable, "-c", "import time; time.sleep(60)"], None, None)
    assert machine.out_of(caught.value) == (
        "this machine is out of processes and threads; end other programs, or raise the limit: ulimit -u"
    )
    assert started[0]._popen.returncode is not None


def test_without_a_thread_the_engine_says_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(run_command, "survey_of", no_thread)
    assert compare_py.main([]) == 2
    assert capsys.readouterr().err == (
        "compare.py: error: can't start new thread: end other programs, or raise the limit (ulimit -u)\n"
    )


# --- A program that cannot do it ---
REAL = "import runpy; runpy.run_module('streams_impl.{role}', run_name='__main__', alter_sys=True)"
LACKING = f"""
import sys
if "{{lacks}}" in sys.argv:
    print("echo: no such thing here", file=sys.stderr)
    sys.exit({{code}})
{REAL}
"""


def program(lacks="--unix", code=127, takes_options=True):
    """An implementation like that with Streams, but for an option."""
    server, client = (
        (sys.executable, "-c", LACKING.format(lacks=lacks, code=code, role=role), "--log-format", "json")
        for role in ("server", "client")
    )
    return Endpoint("theirs", "asyncio", "none", "theirs", server, client, takes_options)


def with_us(endpoint, *trials):
    """What becomes of an endpoint with our Streams, in each of the scenarios over a transport: its cells."""
    everyone = choose(loops=["asyncio"])
    both = (everyone.servers[0], endpoint)
    selection = Selection(everyone.pythons, both, both, Pairing(*both[:1] * 2), ())
    outlines = [outlined(selection, Trial(SCENARIOS[name], TRANSPORTS[over])) for name, over in trials]
    return [
        {
            (cell.pairing.server.label, cell.pairing.client.label): (cell.verdict, cell.reason)
            for cell in comparison.cells
            if endpoint in (cell.pairing.server, cell.pairing.client)
        }
        for comparison in compare_all(outlines, jobs=2)
    ]


SAYS = Verdict.SKIPPED, "theirs does not support it: echo: no such thing here"


def test_what_a_program_does_not_support_is_skipped_in_its_own_words():
    trials = ("tutorial", "unix"), ("byte-each-10-ms", "unix"), ("echoes-altered", "unix"), ("tutorial", "tcp")
    pairings, server, client, over_tcp = with_us(program(), *trials)
    assert len(pairings) == 3
    assert {*pairings.values(), *server.values(), *client.values()} == {SAYS}
    assert not {verdict for verdict, _ in over_tcp.values()} & {Verdict.SKIPPED, Verdict.FAILED}, over_tcp


def test_one_option_of_one_side_leaves_the_rest():
    (found,) = with_us(program(lacks="--lockstep"), ("lockstep", "tcp"))
    skipped = {pairing for pairing, cell in found.items() if cell == SAYS}
    assert skipped == {pairing for pairing in found if pairing[1] == "theirs"}
    assert {verdict for pairing, (verdict, _) in found.items() if pairing[1] != "theirs"} <= {
        Verdict.IDENTICAL,
        Verdict.ALIKE,
        Verdict.EXPLAINED,
    }


def test_an_option_that_is_not_known_is_a_failure():
    (found,) = with_us(program(code=2), ("tutorial", "unix"))
    assert {verdict for verdict, _ in found.values()} == {Verdict.FAILED}


@pytest.mark.parametrize("name", ["tutorial", "byte-at-a-time", "byte-each-10-ms"])
def test_who_has_begun_and_then_says_that_it_cannot_has_failed(name):
    spoils = "import atexit, os; atexit.register(os._exit, 127)\n"
    ours = program(lacks="nothing")
    theirs = dataclasses.replace(
        ours,
        server_command=(*ours.server_command[:2], spoils + ours.server_command[2], *ours.server_command[3:]),
        client_command=(*ours.client_command[:2], spoils + ours.client_command[2], *ours.client_command[3:]),
    )
    (found,) = with_us(theirs, (name, "tcp"))
    assert {verdict for verdict, _ in found.values()} == {Verdict.FAILED}


def test_who_knows_nothing_of_the_contract_means_nothing_by_its_exit_code():
    command = (sys.executable, "-c", "import sys; sys.exit(127)", "{host}", "{port}")
    theirs = Endpoint("theirs", "none", "none", "theirs", command, command, takes_options=False)
    (found,) = with_us(theirs, ("tutorial", "tcp"))
    assert {verdict for verdict, _ in found.values()} == {Verdict.FAILED}


@pytest.mark.parametrize("parse", [options.parse_server, options.parse_client])
def test_unix_sockets_on_windows_are_what_our_own_programs_do_not_support(parse, capsys, monkeypatch):
    monkeypatch.setattr(options.sys, "platform", "win32")
    with pytest.raises(SystemExit) as end:
        parse(["--unix", "echo.sock"])
    assert end.value.code == 127
    assert capsys.readouterr().err.endswith(
        ": error: Unix sockets are not supported on Windows: use --host and --port\n"
    )


# --- What cannot be measured ---
def alone(name, scenario=None):
    """A comparison of our Streams with itself."""
    selection = choose(servers=["streams"], clients=["streams"], loops=["asyncio"])
    scenario = scenario or SCENARIOS[name]
    (comparison,) = compare_all([outlined(selection, Trial(scenario, TRANSPORTS[scenario.transports[0]]))])
    return comparison


@pytest.mark.parametrize("name", ["reads-slowly", "grace-over-stuck", "reads-nothing"])
@pytest.mark.parametrize("tells", [True, False])
def test_memory_that_nobody_tells_does_not_pass_silently(name, tells, monkeypatch):
    if not tells:
        monkeypatch.setattr(Process, "look_at_memory", lambda process: None)
    elif not os.path.exists("/proc/self/status"):
        pytest.skip("this system does not tell how much a process took")
    note = f"skipped in {name}: whether memory stays below 64 MiB; this system does not tell how much a process took"
    assert (note in alone(name).notes) is not tells


def test_cpu_time_that_nobody_tells_is_skipped(monkeypatch):
    monkeypatch.setattr(base, "cpu_clock_s", lambda pid: None)
    [cell] = alone("nothing-to-do").cells
    assert (cell.verdict, cell.reason) == (
        Verdict.SKIPPED,
        "this system does not tell the CPU time of another process",
    )


class Idle(base.Stage):
    """A stage whose endpoint has taken a share of the CPU, and is ready to run or not, in one look after another."""

    def __init__(self, *looks, left_s=15):
        self.shares, self.waits = zip(*looks, strict=True)
        self.looked, self.taken_s = 0, 0.0
        self.deadline = SimpleNamespace(left=lambda: left_s)
        self.process = SimpleNamespace(pid=0)

    def cpu_clock_s(self, pid):
        if pid == os.getpid():
            return 0.0
        found = self.taken_s
        if self.looked < 2 * len(self.shares):
            self.taken_s += (self.looked % 2 == 0) * self.shares[self.looked // 2] * base.ASLEEP_S
        self.looked += 1
        return found


@pytest.mark.parametrize(
    ("looks", "says"),
    [
        ([(0.0, False)], None),
        ([(0.9, True), (0.9, True), (0.1, False)], None),
        ([(0.9, True), (0.9, True), (1.0, True)], r"^spins at night: .* takes 100% of the CPU time that another gets$"),
        ([(0.1, True), (0.0, True), (0.1, False)], None),
        ([(0.1, True), (0.9, True), (0.0, True), (0.8, True), (0.9, True)], "^spins at night"),
    ],
    ids=["sleeps", "comes to rest", "spins", "had something to do", "spins where others keep it from that"],
)
def test_who_spins_is_told_from_who_sleeps_however_little_it_gets(looks, says, monkeypatch):
    stage = Idle(*looks)
    monkeypatch.setattr(base, "ASLEEP_S", 0.001)
    monkeypatch.setattr(base, "wants_cpu", lambda pid: stage.waits[stage.looked // 2 - 1])
    monkeypatch.setattr(base, "cpu_clock_s", stage.cpu_clock_s)
    with contextlib.nullcontext() if says is None else pytest.raises(Late, match=says):
        stage.check_asleep("at night")
    assert stage.looked == 2 * len(looks)


def test_who_never_gets_a_core_cannot_be_told_from_who_sleeps(monkeypatch):
    stage = Idle((0.0, True), left_s=0)
    monkeypatch.setattr(base, "wants_cpu", lambda pid: True)
    monkeypatch.setattr(base, "cpu_clock_s", stage.cpu_clock_s)
    with pytest.raises(machine.Busy):
        stage.check_asleep("at night")


def test_a_process_that_runs_wants_cpu_and_one_that_waits_does_not():
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("this system does not tell whether a process runs")
    assert machine.wants_cpu(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1) as waiting:
        waiting.stdout.readline()
        while machine.wants_cpu(waiting.pid):  # it may not be there yet
            pass
        waiting.stdin.close()
    assert not machine.wants_cpu(waiting.pid)


# --- A machine that is too busy ---
def test_a_heartbeat_tells_how_late_it_was(monkeypatch):
    times_s = iter([0.0, 0.01, 1.0, 1.51, 2.0, 2.01])
    beats = iter([False, False, True])
    monkeypatch.setattr(machine.time, "monotonic", lambda: next(times_s))
    assert machine._overslept_s(SimpleNamespace(wait=lambda seconds: next(beats))) == pytest.approx(0.5)


@pytest.mark.parametrize(("late_s", "is_busy"), [(None, False), (0.5, False), (0.49, True)])
def test_a_block_in_which_the_machine_was_too_late_does_not_count(late_s, is_busy, monkeypatch):
    monkeypatch.setattr(machine, "_overslept_s", lambda over: 0.5)
    with pytest.raises(machine.Busy) if is_busy else contextlib.nullcontext(), machine.heartbeat(late_s):
        pass


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_a_heartbeat_ends_with_its_block_and_hides_no_error(error, monkeypatch):
    ended, beat = [], machine._overslept_s
    monkeypatch.setattr(machine, "_overslept_s", lambda over: (beat(over), ended.append(True))[0])
    with (
        contextlib.nullcontext() if error is None else pytest.raises(error),
        machine.heartbeat(-1000 if error else 1000),
    ):
        assert not ended
        if error is not None:
            raise error
    assert ended


@pytest.mark.parametrize("name", ["client-timeout", "says-nothing"])
def test_a_run_on_a_machine_that_is_late_does_not_count(name, monkeypatch):
    played = []
    start = runner.Launcher.start
    monkeypatch.setattr(
        runner.Launcher, "start", lambda *given, **more: played.append(given[1]) or start(*given, **more)
    )
    [cell] = alone(name, dataclasses.replace(SCENARIOS[name], late_s=-1)).cells
    assert (cell.verdict, cell.reason) == (Verdict.SKIPPED, runner.TOO_BUSY)
    on_trial = "client" if SCENARIOS[name].script is None else "server"
    assert sum(f"streams_impl.{on_trial}" in command for command in played) == runner.TRIES


def test_a_run_that_was_late_once_is_played_again(monkeypatch):
    late = iter([machine.Busy(), None])

    @contextlib.contextmanager
    def late_at_first(late_s):
        yield
        if (error := next(late)) is not None:
            raise error

    monkeypatch.setattr(runner, "heartbeat", late_at_first)
    [cell] = alone("client-timeout").cells
    assert cell.verdict is not Verdict.SKIPPED
    assert cell.verdict is not Verdict.FAILED, cell.reason
    assert next(late, None) is None
