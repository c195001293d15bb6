"""Recorded results of the benchmark: figures of every workload that are made up, and therefore known."""

import random

from comparison.bench import histogram
from comparison.bench.plan import Arm, Cell, Results, Sample

ROUNDS = 7
COSTS = {"streams/asyncio": 1.6, "streams/uvloop": 1.02, "protocol/asyncio": 1.0, "protocol/uvloop": 0.7}
"""CPU by arm, in units of one of them."""

DEBUG = "streams/asyncio, debug logs"
BESIDE = {"buffered/asyncio": 0.8, "sockets/asyncio": 1.3}
ENVIRONMENT = {
    "Python": "3.12.1",
    "uvloop": "0.21.0",
    "system": "Linux 6.1 x86_64",
    "CPU": "A processor",
    "cores": 2,
    "governor": "unknown",
    "load": 0.05,
    "server on cores": "0",
    "load on cores": "1",
}


def arm(label: str) -> Arm:
    """An endpoint that is only named."""
    implementation, _, loop = label.partition("/")
    factors = {"implementation": implementation, "loop": loop, "python": "3.12.1"} if label in COSTS else {}
    return Arm(label, ("serve", label), (), factors)


PAIRINGS = tuple(f"{server} -> {client}" for server in COSTS for client in COSTS)
OWN = tuple(COSTS)
CELLS = (
    *(Cell("echo", size, 10, (*OWN, *BESIDE, *([DEBUG] if size == 1024 else []))) for size in (64, 1024, 65536)),
    *(Cell("echo", 1024, connections, (*OWN, *BESIDE)) for connections in (1, 100)),
    Cell("bulk", 128 << 20, 1, PAIRINGS),
    Cell("connect", 1024, 10, OWN),
    Cell("memory", 64, 1000, OWN),
    Cell("rate", 1024, 10, OWN, 2000.0),
)


def results(rounds: int = ROUNDS, noise: float = 0.01, **changes: object) -> Results:
    """Results of so many rounds, whose figures differ from what is known by `noise` (a standard deviation)."""
    chance = random.Random(7)
    arms = tuple(map(arm, (*OWN, *BESIDE, DEBUG, *PAIRINGS)))
    samples = tuple(
        _sample(cell, label, number, chance, noise)
        for number in range(1, rounds + 1)
        for cell in CELLS
        for label in cell.arms
    )
    settings = {"sample_s": 0.3, "warm_up_s": 0.1, "duration_s": 60.0}
    parts = {"environment": ENVIRONMENT, "arms": arms, "cells": CELLS, "samples": samples, "settings": settings}
    return Results(**{**parts, **changes})


def _sample(cell: Cell, label: str, number: int, chance: random.Random, noise: float) -> Sample:
    cost = {**COSTS, **BESIDE, DEBUG: 8.0}.get(label.partition(" -> ")[0], 1.0)
    cost *= 1 + chance.gauss(0, noise)
    match cell.workload:
        case "bulk":
            values = {"mib_per_s": 500 / cost, "server_cpu_s_per_gib": 2 * cost, "client_cpu_s_per_gib": 3 * cost}
        case "memory":
            values = {"held": 1000.0, "empty_bytes": 24e6, "full_bytes": 28e6, "per_connection_bytes": 4096 * cost}
            values["left_bytes"] = 4e6
        case _:
            work = cost * 10 * (1 + cell.size_bytes / 65536)
            values = {"per_s": 1e5 / cost, "server_cpu_us": work, "server_user_us": work / 4, "generator_cpu_us": 9.0}
            values |= {"server_system_us": work * 3 / 4, "server_busy": 0.97, "generator_busy": 0.8}
    latencies = {} if cell.workload in ("bulk", "memory") else histogram.collect(_latencies_ns(cost, chance))
    return Sample(cell.key, label, number, values, latencies)


def _latencies_ns(cost: float, chance: random.Random) -> list[int]:
    return [round(cost * 100_000 * chance.lognormvariate(0, 0.4)) for _ in range(200)]
