"""Take one sample: start a server afresh, put a load on it, and end it. Whatever goes wrong is part of the sample."""

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison import shapes
from comparison.bench import arms, planning
from comparison.bench.environment import Cores
from comparison.bench.plan import TLS, Arm, Cell, Load, Plan, Sample
from comparison.play.processes import Launcher, Process
from comparison.play.serving import NotReady, start

STOP_S = 10.0
"""What a server gets to end after SIGTERM, when all its connections are closed."""

START_S = 10.0
"""What the load generator gets to start, on a machine that is busy."""

PATIENCE_S = 10.0
"""What connections get to open, and answers to come, before that is called an error."""


@dataclass(frozen=True)
class Executor:
    """Takes samples with processes of `launcher`; the certificates for TLS lie in `folder`."""

    plan: Plan
    launcher: Launcher
    folder: Path
    cores: Cores

    def __call__(self, cell: Cell, arm: Arm, number: int) -> Sample:
        """One sample. Raises only what ends the benchmark."""
        host, _ = arm.server_address or (arms.HOST, 0)
        try:
            with self.launcher.part() as launcher:
                server, port = self._start(launcher, cell, arm, host)
                server.drop_output()
                sample = self._load(launcher, cell, arm, number, host=host, port=port, server_pid=server.pid)
                log = server.stop(STOP_S)
        except (NotReady, OSError) as error:
            said = f": {error.log.lines[-1]}" if isinstance(error, NotReady) and error.log.lines else ""
            return Sample(cell.key, arm.label, number, {}, troubles=(f"the server {error}{said}",))
        if log.trouble is None:
            return sample
        return dataclasses.replace(sample, troubles=(*sample.troubles, f"the server {log.trouble}"))

    def _start(self, launcher: Launcher, cell: Cell, arm: Arm, host: str) -> tuple[Process, int]:
        """A server that accepts connections, and its port."""
        command = (*arm.server_command, *(arm.tls_options if cell.transport == TLS else ()))
        says = cell.workload == "fresh" and set(arms.QUIET) <= set(command)
        level = arms.SAYING if says else arms.SILENT

        def located(port: int) -> list[str]:
            return arms.filled(command, host=host, port=port, level=level, certificates=self.folder)

        address, cores = arm.server_address, self.cores.server
        server, port, _ = start(launcher, located, host, says=says, address=address, cores=cores)
        return server, port

    def _load(self, launcher: Launcher, cell: Cell, arm: Arm, number: int, **server: Any) -> Sample:
        load = Load(
            cell=cell,
            arm=arm.label,
            round=number,
            **server,
            warm_up_s=self.plan.warm_up_s,
            sample_s=planning.length_s(self.plan, cell),
            patience_s=PATIENCE_S,
        )
        command = [sys.executable, "-m", "comparison.bench.generator", json.dumps(dataclasses.asdict(load))]
        generator = launcher.start(command, cores=self.cores.load)
        log = generator.wait(START_S + load.warm_up_s + load.sample_s + 6 * load.patience_s)
        try:
            sample: Sample = shapes.make(Sample, json.loads(log.lines[-1]))
            return sample
        except (IndexError, ValueError, TypeError):
            last = log.lines[-1] if log.lines else "it wrote nothing"
            trouble = f"the load generator failed: {log.trouble or last}"
            return Sample(cell.key, arm.label, number, {}, troubles=(trouble,))
