"""Take one sample: start a server afresh, put a load on it, and end it. Whatever goes wrong is part of the sample."""

import contextlib
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from comparison.bench import arms, bulk
from comparison.bench.generator.spec import Load, Outcome
from comparison.bench.plan import Arm, Cell, Plan, Sample
from comparison.play.processes import Launcher, Process
from comparison.play.serving import AddressTaken, NotReady, start_server, start_silent_server

STOP_S = 10.0
"""What a server gets to end after SIGTERM, when all its connections are closed."""

PATIENCE_S = 10.0
"""What connections get to open, and answers to come, before that is called an error."""

RATE_SAMPLES = 3
"""The open loop does little in a second: it gets so many times the length, for percentiles that rest on something."""

PER_CONNECTION_S = 200e-6
"""Of many connections each shall have a few answers in a sample, or the latency of most would not be seen."""

BUSY = 0.9
"""A process that uses this share of a core is at its limit: the rest goes to the system and to waiting."""


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
        except AddressTaken as error:
            return Sample(cell.key, arm.label, number, {}, troubles=(f"the server was not started: {error}",))
        except NotReady as error:
            said = f": {error.log.lines[-1]}" if error.log.lines else ""
            return Sample(cell.key, arm.label, number, {}, troubles=(f"the server {error}{said}",))
        except OSError as error:
            return Sample(cell.key, arm.label, number, {}, troubles=(f"the server {error}",))
        troubles = list(outcome.errors)
        if log.trouble is not None:
            troubles.append(f"the server {log.trouble}")
        notes = _limits(cell, outcome, self._cores)
        return Sample(cell.key, arm.label, number, outcome.values, outcome.latencies, tuple(troubles), notes)

    @contextlib.contextmanager
    def _server(self, arm: Arm) -> Iterator[tuple[Process, int]]:
        """A server that accepts connections, and its port. It is gone afterwards."""
        server, port = self._start(arm)
        try:
            server.drop_output()
            yield server, port
        finally:
            server.kill()
            self._launcher.forget(server)

    def _start(self, arm: Arm) -> tuple[Process, int]:
        cores = self._cores.server
        host, _ = arms.where(arm, 0)
        if arm.server_address is None and not arms.takes_no_options(arm.server_command):
            return start_server(self._launcher, arms.located(arm.server_command, arms.HOST, 0), cores=cores)
        server, port, _ = start_silent_server(
            self._launcher,
            lambda port: arms.filled(arm.server_command, host, port),
            host,
            address=arm.server_address,
            cores=cores,
        )
        return server, port

    def _load(self, cell: Cell, arm: Arm, server: Process, port: int) -> Outcome:
        if cell.workload == "bulk":
            file = bulk.payload(self._folder, cell.size_bytes)
            return bulk.transfer(self._launcher, arm, server, port, file, self._cores.load)
        load = Load(
            workload=cell.workload,
            host=arms.where(arm, port)[0],
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


def _limits(cell: Cell, outcome: Outcome, cores: Cores) -> tuple[str, ...]:
    """What limits the use of the figures, by what the two sides were busy with."""
    load, server = outcome.values.get("generator_busy"), outcome.values.get("server_busy")
    if load is None or server is None or cell.workload == "rate":  # the open loop is busy with looking at the clock
        return ()
    if cores.load is not None and load >= BUSY > server:
        return ("the load generator was the limit",)
    return ()
