"""Who is measured: the endpoints of the comparison, and arms that put them in proportion; and one sample of whom: a
server is started afresh, a load put on it, and it is ended. Whatever goes wrong is part of the sample."""

import dataclasses
import functools
import json
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from comparison import shapes
from comparison.bench.environment import Cores
from comparison.bench.plan import TLS, Arm, Cell, Load, Plan, Sample
from comparison.model import FACTORS, NO_LEVEL, Endpoint
from comparison.play.processes import Closed, Launcher
from comparison.play.serving import NotReady, start

HOST = "127.0.0.1"  # not a name: one family, one listening socket, and no resolver in what is measured

PROPORTIONS = {  # servers that no endpoint is, each the shortest of its kind
    "buffered": "an echo with BufferedProtocol and nothing else: no log, no limits",
    "sockets": "an echo with loop.sock_recv() and sock_sendall(), and nothing else",
}
IDIOMS = {
    "readline": "Streams, a line at a time: readline(), write(), drain()",
    "readexactly": "Streams, each message by the length that stands before it: readexactly()",
    "split": "Streams, a chunk at a time: read(), split into lines, answered in one write",
    "protocol-each": "a Protocol that splits what comes into lines, with a write for each",
    "protocol-joined": "a Protocol that splits what comes into lines, with one write for all",
}

QUIET = ("--log-level", "{level}")
SILENT, SAYING = "warning", "info"
"""Two or three log lines a connection are up to half of what it costs. But a server that says when it is ready need not
be tried: nobody has come to it yet, and nobody has left."""

HERE = ("--host", "{host}", "--port", "{port}")
CERTIFICATE = "{certificates}/server.pem"
OVER_TLS = ("--tls-cert", CERTIFICATE)

START_S = 10.0  # what the load generator gets to start, on a machine that is busy
PATIENCE_S = 10.0  # what connections get to open, and answers to come, before that is called an error
STOP_S = 10.0  # what a server gets to end after SIGTERM, when all its connections are closed


def of_endpoint(endpoint: Endpoint) -> Arm:
    """The arm of an endpoint's server, without logs."""
    return Arm(
        endpoint.label,
        (*endpoint.server_command, *((*QUIET, *HERE) if endpoint.takes_options else ())),
        factors={factor: endpoint.level(factor) for factor in FACTORS},
        server_address=endpoint.server_address,
        tls_options=OVER_TLS if endpoint.takes_options else (),
    )


def of_program(name: str, python: str, loop: str) -> Arm:
    """The arm of a server of the benchmark itself."""
    return Arm(
        f"{name}/{loop}",
        (python, "-m", "comparison.bench.servers", name, loop, "{host}", "{port}"),
        factors={"idiom": name, "loop": loop} if name in IDIOMS else {},
        meaning=f"{name}: {(PROPORTIONS | IDIOMS)[name]}",
        tls_options=(CERTIFICATE,) if name == "buffered" else (),
    )


def loops(endpoints: Iterable[Endpoint]) -> list[tuple[str, str]]:
    """The loops that endpoints are on, each after the first interpreter that has it."""
    found: dict[str, str] = {}
    for endpoint in endpoints:
        if endpoint.loop != NO_LEVEL and endpoint.takes_options:
            found.setdefault(endpoint.loop, endpoint.server_command[0])
    return [(python, loop) for loop, python in found.items()]


def filled(command: Iterable[str], port: int = 0, **places: object) -> list[str]:
    """A command with its placeholders filled in."""
    words = list(command)
    for name, value in {"port": port, **places}.items():
        words = [word.replace(f"{{{name}}}", str(value)) for word in words]
    return words


def take(plan: Plan, launcher: Launcher, folder: Path, cores: Cores, place: tuple[int, Cell, Arm]) -> Sample | None:
    """One sample, with processes of `launcher`; None where it was cut off. The certificates for TLS lie in `folder`.
    Raises only what ends the benchmark."""
    number, cell, arm = place
    command = (*arm.server_command, *(arm.tls_options if cell.transport == TLS else ()))
    host, _ = arm.server_address or (HOST, 0)
    says = cell.workload == "fresh" and set(QUIET) <= set(command)
    level = SAYING if says else SILENT
    located = functools.partial(filled, command, host=host, level=level, certificates=folder)
    sample = Sample(cell.key, arm.label, number, {})
    times = {"warm_up_s": plan.warm_up_s, "sample_s": plan.length_s(cell), "patience_s": PATIENCE_S}
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
    if trouble is not None:
        sample = dataclasses.replace(sample, troubles=(*sample.troubles, f"the server {trouble}"))
    return None if launcher.is_closed else sample


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
