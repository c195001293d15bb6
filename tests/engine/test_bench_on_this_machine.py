"""Whether the benchmark tells the truth on the machine at hand: it takes minutes, and one that is otherwise idle, so it
runs only where BENCH_ON_THIS_MACHINE is set."""

import os
import sys
from pathlib import Path

import pytest

from comparison.bench import estimates, limits, rounds
from comparison.bench.executor import Cores, Executor
from comparison.bench.plan import Arm, Cell, Plan, Results, Sample
from comparison.play.processes import Launcher

pytestmark = pytest.mark.skipif(
    "BENCH_ON_THIS_MACHINE" not in os.environ, reason="measures for minutes: set BENCH_ON_THIS_MACHINE=1"
)

ROUNDS = 7
SIZES_BYTES = (64, 256, 1024, 4096)
CONNECTIONS = (2, 5, 10, 20, 50)

SLOWED = """
import asyncio, sys, time
spin_ns = float(sys.argv[2])
class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        until_ns = time.perf_counter_ns() + spin_ns
        while time.perf_counter_ns() < until_ns:
            pass
        self.transport.write(data)
async def main():
    await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await asyncio.Event().wait()
asyncio.run(main())
"""
"""An echo that does nothing for so many nanoseconds with each message."""


def measure(arms: list[Arm], cells: list[Cell], folder: Path, number: int = ROUNDS) -> Results:
    plan = Plan(tuple(arms), tuple(cells), number, 0.0, 0.15, 0.05)
    samples: list[Sample] = []
    with Launcher() as launcher:
        executor = Executor(plan, launcher, folder, Cores(*limits.cores()))
        rounds.run(plan, executor, lambda _, sample: samples.append(sample), lambda: float(len(samples)))
    assert [sample for sample in samples if sample.troubles] == []
    return Results({}, plan.arms, plan.cells, tuple(samples), {})


def test_the_same_arm_twice_shows_no_difference_in_17_of_20_cells(tmp_path):
    command = (sys.executable, "-m", "streams_impl.server", "--log-level", "info")
    cells = [Cell("echo", size, number, ("a", "b")) for size in SIZES_BYTES for number in CONNECTIONS]
    found = measure([Arm("a", command), Arm("b", command)], cells, tmp_path)
    seen = [estimates.compare(found, cell, "b") for cell in cells]
    print(*seen, sep="\n")
    assert sum(not one.is_sure for one in seen) >= 17


def test_an_arm_made_a_tenth_slower_is_seen(tmp_path):
    def arm(label: str, spin_ns: float) -> Arm:
        return Arm(label, (sys.executable, "-c", SLOWED, "{port}", str(spin_ns)))

    alone = Cell("echo", 1024, 10, ("plain",))
    cost_us = estimates.median(measure([arm("plain", 0)], [alone], tmp_path, 3).of(alone, "plain"), "server_cpu_us")
    both = Cell("echo", 1024, 10, ("plain", "slowed"))
    found = measure([arm("plain", 0), arm("slowed", cost_us * 100)], [both], tmp_path)
    ratio = estimates.compare(found, both, "slowed")
    print(ratio)
    assert ratio.is_sure
    assert 1.05 < ratio.ratio < 1.2
