"""Recorded results of the benchmark: figures of every workload that are made up, and therefore known."""

import random
from collections.abc import Callable
from pathlib import Path

from comparison import files
from comparison.bench import results as on_disk
from comparison.bench.generator import histogram
from comparison.bench.plan import Arm, Cell, Results, Sample
from comparison.bench.planning import IDIOMS, PROPORTIONS

ROUNDS = 8
COSTS = {"streams/asyncio": 1.6, "streams/uvloop": 1.02, "protocol/asyncio": 1.0, "protocol/uvloop": 0.7}
"""CPU by arm, in units of one of them."""

BESIDE = {"buffered/asyncio": 0.8, "sockets/asyncio": 1.3}
LINES = {
    "readline/asyncio": 1.0,
    "split/asyncio": 0.17,
    "protocol-each/asyncio": 0.85,
    "readline/uvloop": 0.8,
    "split/uvloop": 0.12,
    "protocol-each/uvloop": 0.55,
}
ENVIRONMENT = {
    "Python": "3.12.1",
    "uvloop": "0.21.0",
    "system": "Linux 6.1 x86_64",
    "CPU": "A processor",
    "cores": 2,
    "governor": "unknown",
    "cores busy before": 0.05,
    "server on cores": "0",
    "load on cores": "1",
}


def arm(label: str) -> Arm:
    """One that is only named."""
    name, _, loop = label.partition("/")
    more = {}
    if label in COSTS:
        more = {"factors": {"implementation": name, "loop": loop, "python": "3.12.1"}}
    elif name in IDIOMS:
        more = {"factors": {"idiom": name, "loop": loop}, "meaning": f"{name}: {IDIOMS[name]}"}
    elif name in PROPORTIONS:
        more = {"meaning": f"{name}: {PROPORTIONS[name]}"}
    return Arm(label, ("serve", label), **more)


OWN = tuple(COSTS)
MIDDLE = Cell("echo", 1024, 10, (*OWN, *BESIDE), anchor="buffered/asyncio")
CELLS = (
    Cell("echo", 64, 10, OWN),
    MIDDLE,
    Cell("echo", 65536, 10, OWN),
    *(Cell("echo", 1024, connections, OWN) for connections in (1, 100)),
    Cell("fresh", 1024, 100, OWN),
    Cell("lines", 64, 10, tuple(LINES), in_flight=16),
    Cell("connect", 1024, 10, OWN),
    Cell("memory", 64, 1000, OWN),
    Cell("half", 1024, 10, OWN),
    Cell("echo", 1024, 10, OWN, transport="tls"),
    Cell("memory", 64, 100, OWN, transport="tls"),
)

Cost = Callable[[Cell, str, int], float]
"""What an arm costs in a cell in a round."""


def known(cell: Cell, label: str, number: int) -> float:
    """The costs above, the same in each round."""
    return {**COSTS, **BESIDE, **LINES}[label]


def results(rounds: int = ROUNDS, noise: float = 0.01, cost: Cost = known, seed: int = 7, **changes: object) -> Results:
    """Results of so many rounds, whose figures differ from what is known by `noise` (a standard deviation)."""
    chance = random.Random(seed)
    cells = changes.setdefault("cells", CELLS)
    arms = tuple(map(arm, dict.fromkeys(label for cell in cells for label in cell.arms)))
    samples = tuple(
        _sample(cell, label, number, chance, cost(cell, label, number) * (1 + chance.gauss(0, noise)))
        for number in range(1, rounds + 1)
        for cell in cells
        for label in cell.arms
    )
    settings = {"sample_s": 0.3, "warm_up_s": 0.1, "duration_s": 60.0}
    return Results(**{"environment": ENVIRONMENT, "arms": arms, "samples": samples, "settings": settings, **changes})


def _sample(cell: Cell, label: str, number: int, chance: random.Random, cost: float) -> Sample:
    latencies = {}
    if cell.workload == "memory":
        values = {"held": 1000.0, "empty_bytes": 24e6, "full_bytes": 28e6, "per_connection_bytes": 4096 * cost}
        values["again_bytes"] = 1e5
    else:
        work = cost * 10 * (1 + cell.size_bytes / 65536)
        values = {"per_s": 1e5 / cost, "server_cpu_us": work, "server_user_us": work / 4, "faults": 0.01}
        values |= {"server_system_us": work * 3 / 4, "server_busy": 0.97, "generator_busy": 0.8}
    if cell.workload == "half":
        latencies = histogram(round(cost * 100_000 * chance.lognormvariate(0, 0.4)) for _ in range(200))
    return Sample(cell.key, label, number, values, latencies)


def save(measured: Results, path: Path) -> None:
    """As `bench --save` does."""
    files.replace(path, on_disk.to_json(measured))
