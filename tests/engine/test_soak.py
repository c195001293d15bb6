"""The soak: what counts as growth, on series whose answer is known; and that it finds a leak in a real server."""

import json
import random
import signal
import subprocess
import sys

import pytest
from harness import ROOT
from test_compare_cli import run

from comparison.soak.growth import LIMITS, Course, grows, slope

MEMORY = LIMITS[0]
FOREVER_S = 120.0


def series(growth, *, noise=0.0, count=150, spikes=0, saw=0):
    """So many points over 10 units of x that grow by `growth` for each, with what makes it hard to see."""
    chance = random.Random(7)
    points = []
    for n in range(count):
        x = 10 * n / count
        y = 20_000 + growth * x + chance.gauss(0, noise) + (n % saw if saw else 0)
        points.append((x, y + 50_000 * (n < spikes or (spikes > 0 and n % 40 == 0))))
    return points


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(series(0), id="flat"),
        pytest.param(series(0, noise=2000), id="noise"),
        pytest.param(series(0, noise=500, spikes=10), id="spikes"),
        pytest.param(series(0, saw=30), id="sawtooth"),
        pytest.param(series(60, noise=10), id="below-the-tolerance"),
        pytest.param(series(-3000), id="falls"),
        pytest.param([(x, 20_000 + 5000 * min(x, 2)) for x, _ in series(0)], id="grows-in-the-warm-up-only"),
        pytest.param([(x, 20_000 + 3000 * (x > 6)) for x, _ in series(0)], id="one-step"),
    ],
)
def test_noise_is_no_growth(noise):
    assert not grows(slope(noise), MEMORY.tolerance, MEMORY.floor)


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(series(200), id="straight"),
        pytest.param(series(1000, noise=1000), id="noise"),
        pytest.param(series(300, noise=100, spikes=10), id="spikes"),
        pytest.param([(x, y // 512 * 512) for x, y in series(600)], id="in-steps-of-the-allocator"),
    ],
)
def test_a_leak_is_seen(leak):
    assert grows(slope(leak), MEMORY.tolerance, MEMORY.floor)


def test_noise_alone_is_rarely_taken_for_growth():
    """With no tolerance at all: the interval by itself."""
    chance = random.Random(3)
    alarms = sum(grows(slope([(n, chance.gauss(0, 1)) for n in range(150)]), 0.0, 0.0) for _ in range(300))
    assert alarms <= 3


def test_the_slope_is_right_and_too_few_points_have_none():
    found = slope([(n, 5 + 3 * n) for n in range(100)])
    assert (found.value, found.low) == (3, 3)
    assert slope([(n, n) for n in range(9)]) is None
    assert slope([(1, n) for n in range(100)]) is None
    assert slope([]) is None


def test_latency_is_held_against_its_own_median():
    def course(latencies):
        looks = [{"at_s": 2.0 * n, "connections": n, "latency_us": value} for n, value in enumerate(latencies)]
        return Course("any", looks)

    assert course([200.0] * 150).growing == []
    assert course([200.0 + n for n in range(150)]).growing == []
    assert [metric.name for metric in course([100.0 + 3 * n for n in range(150)]).growing] == ["latency_us"]


def soak(*options, **popen):
    command = [sys.executable, "compare.py", "soak", *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **popen
    )


def test_every_server_stands_a_short_soak(tmp_path):
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    kept = tmp_path / "soak.json"
    process = soak("--minutes", "0.1", "--save", str(kept))
    output, errors = process.communicate(timeout=FOREVER_S)
    document = json.loads(kept.read_text())
    assert document["exit_code"] == process.returncode
    for server in document["servers"]:
        # So short a run is too short for a verdict on latency: the machine decides.
        assert (server["troubles"], set(server["growing"]) - {"latency_us"}) == ([], set()), output
        assert server["looks"][-1]["connections"] > 10
        assert server["label"] in output
    assert errors == ""


LEAKY = """
import runpy, socket, sys
from common import live
forgotten = []
real = live.LiveConnections.discard
def discard(self, transport):
    {leak}
    real(self, transport)
live.LiveConnections.discard = discard
sys.argv[0] = "server"
runpy.run_module("streams_impl.server", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("leak", "grown"),
    [
        ("forgotten.append(bytearray(b'x' * 65536))", "memory_kib"),
        ("forgotten.append(socket.socket())", "files"),
    ],
)
def test_a_planted_leak_fails_a_short_soak(leak, grown, tmp_path):
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    program, kept = tmp_path / "leaky.py", tmp_path / "soak.json"
    program.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n" + LEAKY.format(leak=leak))
    command = f"{sys.executable} {program} --host {{host}} --port {{port}} --log-level warning --idle-timeout 1"
    process = soak(
        *("--minutes", "0.1", "--endpoint", "leaky", "--server-command", command),
        *("--server", "leaky", "--save", str(kept)),
    )
    output, errors = process.communicate(timeout=FOREVER_S)
    [server] = json.loads(kept.read_text())["servers"]
    assert (process.returncode, grown in server["growing"]) == (1, True), output + errors
    assert "Failed: leaky." in output


def test_ctrl_c_shows_what_there_is():
    pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from comparison.soak import load\n"
        "real = load.Served.look\n"
        "def look(self, at_s):\n    real(self, at_s)\n    print('looked', flush=True)\n"
        "load.Served.look = look\n"
        "import compare\nsys.exit(compare.main(['soak', '--minutes', '60', '--loop', 'asyncio']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert [process.stdout.readline() for _ in range(4)] == ["looked\n"] * 4
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=FOREVER_S)
    assert (process.returncode, errors) == (130, ""), errors
    assert "Interrupted: this is what was seen until then." in output


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (["--minutes", "0"], "give more than 0"),
        (["--minutes", "nan"], "give more than 0"),
        (["--minutes", "many"], "give more than 0"),
        (["--save", "/nowhere/file"], "make it or name another"),
        (["--save", "."], "name a file"),
        (["--server", "nobody"], "stands for no endpoint"),
    ],
)
def test_what_makes_no_sense_is_one_line_with_the_remedy(options, remedy):
    done = run("soak", *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("compare.py")
    assert remedy in done.stderr
