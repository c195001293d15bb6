"""Take one sample: start a server afresh, put a load on it, and end it. Whatever goes wrong is part of the sample."""

import contextlib
import re
import socket
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from comparison.bench import arms, bulk
from comparison.bench.generator.spec import Load, Outcome
from comparison.bench.plan import Arm, Cell, Plan, Sample
from comparison.processes import Launcher, Process
from comparison.transcript import parse_line

READY_S = 30.0
"""What a server gets to accept connections. It takes 0.2 s; the rest is for a machine that is busy."""

STOP_S = 10.0
"""What a server gets to end after SIGTERM, when all its connections are closed."""

PATIENCE_S = 10.0
"""What connections get to open, and answers to come, before that is called an error."""

LOOK_EVERY_S = 0.02
"""How often we try to connect to a server that does not say when it is ready."""

RATE_SAMPLES = 3
"""The open loop does little in a second: it gets so many times the length, for percentiles that rest on something."""

PER_CONNECTION_S = 200e-6
"""Of many connections each shall have a few answers in a sample, or the latency of most would not be seen."""

BUSY = 0.9
"""A process that uses this share of a core is at its limit: the rest goes to the system and to waiting."""


class NotReady(Exception):
    """A server did not come up; the text says what it did instead."""


@dataclass(frozen=True)
class Cores:
    """What the processes of a sample are pinned to; None where they are not."""

    server: Collection[int] | None = None
    load: Collection[int] | None = None


class Executor:
    """Takes samples with processes of `launcher`; `folder` is for the files of bulk."""

    def __init__(self, plan: Plan, launcher: Launcher, folder: Path, cores: Cores) -> None:
        self._plan = plan
        self._launcher = launcher
        self._folder = folder
        self._cores = cores

    def __call__(self, cell: Cell, arm: Arm, number: int) -> Sample:
        """One sample. Raises only what ends the benchmark."""
        try:
            with self._server(arm) as (server, port):
                outcome = self._load(cell, arm, server, port)
                log = server.stop(STOP_S)
        except (NotReady, OSError) as error:
            return Sample(cell.key, arm.label, number, {}, troubles=(f"the server {error}",))
        troubles = list(outcome.errors)
        if log.trouble is not None:
            troubles.append(f"the server {log.trouble}")
        notes = _limits(cell, outcome, self._cores)
        return Sample(cell.key, arm.label, number, outcome.values, outcome.latencies, tuple(troubles), notes)

    @contextlib.contextmanager
    def _server(self, arm: Arm) -> Iterator[tuple[Process, int]]:
        """A server that accepts connections, and its port. It is gone afterwards."""
        fixed = arms.takes_no_options(arm.server_command)
        asked = _free_port() if fixed else 0
        server = self._launcher.start(arms.located(arm.server_command, arms.HOST, asked), cores=self._cores.server)
        try:
            port = _wait_until_it_answers(server, asked) if fixed else _port_it_says(server)
            server.drop_output()
            yield server, port
        finally:
            server.kill()
            self._launcher.forget(server)

    def _load(self, cell: Cell, arm: Arm, server: Process, port: int) -> Outcome:
        if cell.workload == "bulk":
            file = bulk.payload(self._folder, cell.size_bytes)
            return bulk.transfer(self._launcher, arm, server, port, file, self._cores.load)
        load = Load(
            workload=cell.workload,
            host=arms.HOST,
            port=port,
            server_pid=server.pid,
            size_bytes=cell.size_bytes,
            connections=cell.connections,
            rate_per_s=cell.rate_per_s,
            warm_up_s=self._plan.warm_up_s,
            sample_s=_length_s(self._plan, cell),
            patience_s=PATIENCE_S,
        )
        return self._generate(load)

    def _generate(self, load: Load) -> Outcome:
        command = [sys.executable, "-m", "comparison.bench.generator", load.to_json()]
        generator = self._launcher.start(command, cores=self._cores.load)
        log = generator.wait(load.warm_up_s + load.sample_s + 5 * load.patience_s)
        self._launcher.forget(generator)
        try:
            return Outcome.from_json(log.lines[-1])
        except (IndexError, ValueError, KeyError, TypeError):
            last = log.lines[-1] if log.lines else "it wrote nothing"
            return Outcome({}, {}, (f"the load generator failed: {log.trouble or last}",))


def _length_s(plan: Plan, cell: Cell) -> float:
    """How long a sample of a cell measures."""
    times = RATE_SAMPLES if cell.workload == "rate" else 1
    return max(times * plan.sample_s, cell.connections * PER_CONNECTION_S)


def _port_it_says(server: Process) -> int:
    ready = server.wait_for_line(lambda line: parse_line(line).name == "starting", READY_S)
    if ready is None:
        raise NotReady(_why_not(server))
    found = re.search(r"port (\d{1,5})$", parse_line(ready).message)
    if found is None:
        raise NotReady(f"did not say its port: {ready}")
    return int(found[1])


def _wait_until_it_answers(server: Process, port: int) -> int:
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s and not server.output_is_over:
        with contextlib.suppress(OSError):
            socket.create_connection((arms.HOST, port), READY_S).close()
            return port
        time.sleep(LOOK_EVERY_S)
    raise NotReady(_why_not(server))


def _why_not(server: Process) -> str:
    if not server.output_is_over:
        return f"was not ready in {READY_S:g} s"
    lines = server.wait(STOP_S).lines
    return f"ended before it was ready{': ' + lines[-1] if lines else ''}"


def _free_port() -> int:
    """A port that nobody listens on now. Somebody else may take it before the server does; then the server says so."""
    with socket.create_server((arms.HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def _limits(cell: Cell, outcome: Outcome, cores: Cores) -> tuple[str, ...]:
    """What limits the use of the figures, by what the two sides were busy with."""
    load, server = outcome.values.get("generator_busy"), outcome.values.get("server_busy")
    if load is None or server is None or cell.workload == "rate":  # the open loop is busy with looking at the clock
        return ()
    if cores.load is not None and load >= BUSY > server:
        return ("the load generator was the limit",)
    return ()
