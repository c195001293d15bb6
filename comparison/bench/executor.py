"""Take one sample: start a server afresh, put a load on it, and end it. Whatever goes wrong is part of the sample."""

import dataclasses
import functools
import json
import sys
from collections.abc import Collection
from pathlib import Path

from comparison import shapes
from comparison.bench import arms, planning
from comparison.bench.environment import Cores
from comparison.bench.plan import TLS, Arm, Cell, Load, Plan, Sample
from comparison.play.processes import Closed, Launcher
from comparison.play.serving import NotReady, start

START_S = 10.0  # what the load generator gets to start, on a machine that is busy
PATIENCE_S = 10.0  # what connections get to open, and answers to come, before that is called an error
STOP_S = 10.0  # what a server gets to end after SIGTERM, when all its connections are closed


def take(plan: Plan, launcher: Launcher, folder: Path, cores: Cores, place: tuple[int, Cell, Arm]) -> Sample | None:
    """One sample, with processes of `launcher`; None where it was cut off. The certificates for TLS lie in `folder`.
    Raises only what ends the benchmark."""
    number, cell, arm = place
    command = (*arm.server_command, *(arm.tls_options if cell.transport == TLS else ()))
    host, _ = arm.server_address or (arms.HOST, 0)
    says = cell.workload == "fresh" and set(arms.QUIET) <= set(command)
    level = arms.SAYING if says else arms.SILENT
    located = functools.partial(arms.filled, command, host=host, level=level, certificates=folder)
    sample = Sample(cell.key, arm.label, number, {})
    times = {"warm_up_s": plan.warm_up_s, "sample_s": planning.length_s(plan, cell), "patience_s": PATIENCE_S}
    try:
        with launcher.part() as part:
            server, port, _ = start(part, located, host, says=says, address=arm.server_address, cores=cores[0])
            server.drop_output()
            load = Load(cell=cell, arm=arm.label, round=number, host=host, port=port, server_pid=server.pid, **times)
            sample = _loaded(part, load, cores[1], sample)
            trouble = server.stop(STOP_S).trouble
    except (NotReady, OSError, Closed) as error:
        said = f": {error.log.lines[-1]}" if isinstance(error, NotReady) and error.log.lines else ""
        trouble = f"{error}{said}"
    if launcher.is_closed:
        return None
    if trouble is None:
        return sample
    return dataclasses.replace(sample, troubles=(*sample.troubles, f"the server {trouble}"))


def _loaded(launcher: Launcher, load: Load, cores: Collection[int] | None, sample: Sample) -> Sample:
    """What the load generator has measured, or the sample with its trouble."""
    command = [sys.executable, "-m", "comparison.bench.generator", json.dumps(dataclasses.asdict(load))]
    log = launcher.start(command, cores=cores).wait(START_S + load.warm_up_s + load.sample_s + 6 * load.patience_s)
    try:
        found: Sample = shapes.make(Sample, json.loads(log.lines[-1]))
        return found
    except (IndexError, ValueError, TypeError):
        last = log.lines[-1] if log.lines else "it wrote nothing"
        return dataclasses.replace(sample, troubles=(f"the load generator failed: {log.trouble or last}",))
