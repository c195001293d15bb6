"""CPU time and memory of a process: they grow with what it does, and a process that is gone is told."""

import os
import subprocess
import sys

import pytest
from harness import DEADLINE_S

from comparison.bench import resources
from comparison.bench.resources import Gone, Watched

pytest.importorskip("psutil", reason="psutil is not installed: pip install psutil")

WAITS = "import sys; data = bytes(int(sys.argv[1])); print(flush=True); sys.stdin.read()"
SPINS = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\nimport sys; sys.stdin.read()"


def started(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A program that has come to the point where it waits for its input to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    return process


def test_the_cpu_time_of_another_process_is_what_that_process_says():
    with started(SPINS) as process:
        total_s, user_s, system_s, _ = Watched(process.pid).used()
        process.communicate(timeout=DEADLINE_S)
    assert 0.2 <= total_s < 1.0
    assert user_s + system_s == pytest.approx(total_s, abs=0.05)


def test_the_clock_of_a_process_is_finer_than_ticks():
    if resources.cpu_clock_s(1) is None:
        pytest.skip("this system has no CPU clock for other processes")
    with started(WAITS, "1") as process:
        assert round(Watched(process.pid).used()[0] * 1e6) % 10_000 != 0
        process.communicate(timeout=DEADLINE_S)


def test_what_a_process_allocates_is_in_its_memory():
    most = 50_000_000
    with started(WAITS, "1") as small, started(WAITS.replace("bytes(", "b'x' * ("), str(most)) as large:
        more_bytes = Watched(large.pid).resident_bytes() - Watched(small.pid).resident_bytes()
        for process in (small, large):
            process.communicate(timeout=DEADLINE_S)
    assert more_bytes == pytest.approx(most, rel=0.1)


def test_what_a_process_has_started_counts_too():
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPINS!r}])"
    with started(script) as parent:
        assert Watched(parent.pid).used()[0] >= 0.2
        parent.communicate(timeout=DEADLINE_S)


def test_a_process_that_is_gone_is_told():
    with started(WAITS, "1") as process:
        watched = Watched(process.pid)
        process.communicate(timeout=DEADLINE_S)
    for ask in (watched.used, watched.resident_bytes, lambda: Watched(process.pid)):
        with pytest.raises(Gone):
            ask()


@pytest.mark.parametrize(
    ("used", "user_us", "system_us"),
    [
        pytest.param((3.0, 2.0, 1.5, 12), 1.0e6, 1.0e6, id="split as the ticks are"),
        pytest.param((3.0, 1.0, 0.5, 12), 2.0e6, 0.0, id="no tick between"),
    ],
)
def test_what_was_used_in_a_window_is_the_difference(used, user_us, system_us, monkeypatch):
    read = iter([(1.0, 1.0, 0.5, 10), used])
    monkeypatch.setattr(Watched, "used", lambda self: next(read))
    found = resources.used_for(lambda: 1, os.getpid())
    assert found["server_cpu_us"] == pytest.approx(2.0e6)
    assert (found["server_user_us"], found["server_system_us"]) == (pytest.approx(user_us), pytest.approx(system_us))
    assert found["faults"] == 2


def test_without_anything_done_there_are_no_figures():
    assert resources.used_for(lambda: 0, os.getpid()) == {}
