"""Everything that handles a log is linear in it, in time and in memory, whatever the log is like."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recorded import ENDPOINTS, TUTORIAL, client_lines, run, server_lines

from comparison.judge.condense import condense
from comparison.judge.differences import MOST_LINES
from comparison.judge.verdicts import judge, observe
from comparison.model import Log, Pairing
from comparison.play import processes, runner
from comparison.play.processes import Launcher
from comparison.play.transports import TCP
from comparison.report import timeline
from comparison.transcript import parse, parse_line

PAIRING = Pairing(ENDPOINTS[0], ENDPOINTS[0])
SPEAKER = "echo_127.0.0.1_64624"
GENEROUS_S = 60.0

LINES = 1_500
TURNS = 30


def of_connections(count, *lines):
    """So many connections with these lines; `#` is the number of each."""
    return [f"echo_127.0.0.1_{n}: {line.replace('#', str(n))}" for n in range(count) for line in lines]


def between_opening_and_close(lines):
    return [f"{SPEAKER}: {line}" for line in ("connection accepted", *lines, "closing")]


LOGS = {
    "many small chunks": lambda n: between_opening_and_close(["received b'x'", "sent b'x'"] * (n // 2)),
    "chunks as large as a log shows": lambda n: between_opening_and_close([f"received {b'x' * 128!r}"] * n),
    "chunks of which the log shows all": lambda n: between_opening_and_close([f"received {b'x' * 200!r}"] * n),
    "one huge line": lambda n: between_opening_and_close([f"received b'{'x' * 100 * n}'"]),
    "one huge line that is cut off": lambda n: [f"{SPEAKER}: received b'{'x' * 100 * n}"],
    "a huge line of fields": lambda n: ["main: ERROR " + ": 1 of 2 " * 10 * n],
    "bytes after the end": lambda n: between_opening_and_close(["closing"] * (n // 2) + ["sent b'x'"] * (n // 2)),
    "ends upon ends": lambda n: between_opening_and_close(["received EOF"] * n),
    "many connections": lambda n: of_connections(n // 4, "connection accepted", "received b'#'", "sent b''", "closing"),
    "connections that end badly": lambda n: of_connections(n // 2, "connection accepted", "connection lost: OSError"),
    "what nobody can read": lambda n: [f"progress: {number}" for number in range(n)],
    "the same that nobody can read": lambda n: ["tick"] * n,
    "tracebacks": lambda n: ["Traceback (most recent call last):", "  File x, line 1, in x", "KeyError: 7"] * (n // 3),
    "a traceback without an end": lambda n: ["Traceback (most recent call last):", *["  File x, line 1, in x"] * n],
    "groups of errors in each other": lambda n: ["  + Exception Group Traceback (most recent call last):"] * n,
    "a huge line that begins as an error": lambda n: ["Exception ignored in " + "future: <" * 10 * n],
    "a huge line of brackets": lambda n: ["{" + '"a": [' * 10 * n],
    "times that go back": lambda n: [
        f'{{"t_ns": {n - k}, "logger": "{SPEAKER}", "level": "info", "event": "eof", "message": "received EOF"}}'
        for k in range(n)
    ],
}


LIFE = tuple(server_lines(ENDPOINTS[0]))


def judged(lines, life=LIFE):
    """All that is made of the log of a server: events, a verdict, and what is kept and drawn of it."""
    one, other = (run(PAIRING, [*life[:2], *lines, *life[-2:]], client_lines(ENDPOINTS[0])) for _ in range(2))
    judge(TUTORIAL, [observe(TUTORIAL, one), observe(TUTORIAL, other)], PAIRING)
    timeline.of(condense(one))
    timeline.of(one)


def handed_out(lines):
    """The log of a server that had a tenth as many clients as lines."""
    client, server = (Log((), tuple(own), 0, events=parse(own)) for own in (client_lines(ENDPOINTS[0]), lines))
    met = [runner._Client((PAIRING, number), client) for number in range(len(lines) // 10)]
    list(runner._pair(met, server))


def assert_linear(work, short, long):
    """Twice the lines cost at most 2.5 times the CPU: the best of some turns, since a machine that is busy adds to
    either."""
    best = {}
    for _ in range(TURNS):
        for size, lines in (("short", short), ("long", long)):
            gc.collect()
            start_s = time.process_time()
            work(lines)
            best[size] = min(best.get(size, GENEROUS_S), time.process_time() - start_s)
        if best["long"] <= 2.5 * best["short"]:
            return
    pytest.fail(f"twice the lines cost {best['long'] / best['short']:.1f} times the CPU: {best}")


@pytest.mark.parametrize("kind", LOGS)
def test_twice_the_log_costs_twice_the_time(kind):
    assert_linear(judged, LOGS[kind](LINES), LOGS[kind](2 * LINES))


def test_twice_the_connections_of_a_server_that_never_says_where_it_listens():
    def work(lines):
        judged(lines, life=())

    assert_linear(work, *(LOGS["many connections"](n) for n in (LINES, 2 * LINES)))


def test_twice_the_clients_of_a_server_cost_twice_the_time():
    assert_linear(handed_out, *(LOGS["many connections"](n) for n in (LINES, 2 * LINES)))


MEASURE = """
import resource, sys
sys.path[:0] = {path!r}
from test_long_logs import LOGS, judged
judged(LOGS[{kind!r}]({lines}))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
"""The most memory that a program ever takes which judges so many lines."""


@pytest.mark.parametrize("kind", ["many small chunks", "what nobody can read"])
def test_a_million_lines_fit_into_memory(kind):
    path = [str(folder) for folder in Path(__file__).parents[:3]]

    def peak_bytes(lines):
        program = MEASURE.format(path=path, kind=kind, lines=lines)
        return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)

    per_line = (peak_bytes(40_000) - peak_bytes(10_000)) / 30_000
    assert per_line * 1_000_000 < 1024**3


def test_a_line_reads_the_same_however_long_it_is():
    text = "x" * 100_000
    event = parse_line(f"{SPEAKER}: sent b'{text}'")
    assert (event.name, event.payload.length, event.payload.shown) == ("sent", 100_000, text.encode())


def test_where_many_lines_differ_one_stands_for_the_rest_and_differs_too():
    lines = LOGS["what nobody can read"](3 * MOST_LINES)
    whole, other = (
        observe(TUTORIAL, run(PAIRING, [*some, *server_lines(ENDPOINTS[0])], client_lines(ENDPOINTS[0])))
        for some in (lines, [*lines[:-1], "something else"])
    )
    assert len(whole.projected["server"]) < 2 * MOST_LINES
    assert whole.projected != other.projected


# --- What is kept of the output of a process ---
def python(script):
    return (sys.executable, "-I", "-S", "-c", script)


def test_a_huge_line_is_kept_in_pieces(monkeypatch):
    monkeypatch.setattr(processes, "LINE_BYTES", 1000)
    with Launcher() as launcher:
        log = launcher.start(python("print('x' * 2500); print('y')")).wait(GENEROUS_S)
    assert [len(line) for line in log.lines] == [1000, 1000, 500, 1]
    assert (log.exit_code, log.trouble) == (0, None)


@pytest.mark.parametrize(
    "script", ["while True: print('x' * 100)", "while True: print()", "while True: print(end='x' * 1000)"]
)
def test_a_program_that_writes_for_ever_is_ended_and_the_log_says_so(monkeypatch, script):
    monkeypatch.setattr(processes, "KEPT_MIB", 1)
    monkeypatch.setattr(processes, "KEPT_OF_TOO_MANY", 10)
    with Launcher() as launcher:
        log = launcher.start(python(script)).wait(GENEROUS_S)
    assert (log.exit_code, log.trouble) == (None, "wrote more than 1 MiB of log lines, and was ended")
    assert len(log.lines) <= 10


def test_who_asks_again_looks_at_each_line_once():
    looked_at = []

    def wanted(line):
        looked_at.append(line)
        return line == "never"

    with Launcher() as launcher:
        process = launcher.start(python("print('a'); print('b')"))
        process.wait(GENEROUS_S)
        search = process.search(wanted)
        assert [search(GENEROUS_S), search(GENEROUS_S)] == [None, None]
    assert looked_at == ["a", "b"]


def test_a_server_whose_log_has_grown_long_makes_place_for_a_fresh_one(monkeypatch):
    monkeypatch.setattr(runner, "LINES_EACH", 1)
    started = []

    class Server:
        lines = ("main: starting up",)

        def stop(self):
            return Log((), ("main: closing server",), 0)

    monkeypatch.setattr(runner, "serve", lambda *_: (started.append(1), (Server(), ("localhost", 1)))[1])
    monkeypatch.setattr(
        runner, "_run_client", lambda launcher, unit, folder, turn, address: runner._Client(turn, Log((), (), 0))
    )
    [unit] = runner.units(runner.Unit(TUTORIAL, TCP, [(PAIRING, number) for number in (1, 2, 3)]))
    runs = runner.play(Launcher(), Launcher(), unit)
    assert ([one.number for one in runs], len(started)) == ([1, 2, 3], 3)
