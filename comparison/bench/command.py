"""`compare.py bench`: its options, and what it does with them. For each sample a server is started afresh, a load put
on it, and it is ended: whatever goes wrong is part of the sample."""

import argparse
import dataclasses
import json
import re
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from common.config import INTERRUPTED
from common.logs import escape
from comparison import files, layout, shapes
from comparison.bench import environment, estimates, planning, resources, results, view
from comparison.bench.environment import Cores
from comparison.bench.plan import LEAST_ROUNDS, TCP, TLS, WARM_UP_S, WORKLOADS, Arm, Cell, Load, Plan, Results, Sample
from comparison.model import KIB, MIB, CannotCompare
from comparison.options import above_zero, at_least_one, comma_separated
from comparison.play import workers
from comparison.play.machine import too_few_files
from comparison.play.processes import Closed, Launcher
from comparison.play.serving import NotReady, start
from comparison.play.transports import TRANSPORTS, filled, missing, write_certificates
from comparison.progress import gathered
from comparison.selection import add_selection, chosen

DESCRIPTION = "Measure what each implementation costs on each event loop: CPU, latency, throughput, memory."
EPILOG = "Exit code: 0, 1 for worse than --baseline, 2 for trouble, 130 after Ctrl-C, which shows what there is."

HOST = "127.0.0.1"  # not a name: one family, one listening socket, and no resolver in what is measured
SAYING = ("--log-level", "info")  # that it is ready, so that it need not be tried: nobody has come, and nobody has left

START_S = 10.0  # what the load generator gets to start, on a machine that is busy
PATIENCE_S = 10.0  # what connections get to open, and answers to come, before that is called an error


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the benchmark."""
    add, of_lines, of_rounds = parser.add_argument, planning.IN_FLIGHT, LEAST_ROUNDS
    add("--quick", action="store_true", help="one minute: echo and connect, one size, 10 connections")
    workloads, transports = partial(comma_separated, known=WORKLOADS), partial(comma_separated, known=(TCP, TLS))
    sizes, numbers = partial(comma_separated, read=_size), partial(comma_separated, read=at_least_one)
    add("--workload", type=workloads, metavar="NAME", help=f"only these: {', '.join(WORKLOADS)}")
    add("--transport", type=transports, metavar="NAME", help="tcp, tls")
    add("--size", type=sizes, metavar="BYTES", help="sizes of the messages of echo (64,1K,64K)")
    add("--connections", type=numbers, metavar="N", help="numbers of connections of echo (1,10,100)")
    add("--in-flight", type=at_least_one, metavar="N", default=of_lines, help="lines at once (%(default)s)")
    add("--rounds", type=at_least_one, metavar="N", default=of_rounds, help="how often each is measured (%(default)s)")
    add("--sample", type=above_zero, metavar="S", help="length of one sample (0.2; with --quick 0.15)")
    add_selection(parser, "SERVER")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=files.target, metavar="FILE", help="write there instead of standard output")
    one_of = parser.add_mutually_exclusive_group().add_argument
    one_of("--save", type=files.target, metavar="FILE", help="keep every sample there as JSON, from the first on")
    one_of("--load", type=Path, metavar="FILE", help="measure nothing, show what --save has kept")
    add("--baseline", type=Path, metavar="FILE", help="say what is better or worse than in what --save has kept there")
    add("--plot", type=lambda text: files.target(text, folder=True), metavar="DIR", help="draw charts there, as SVG")


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Raises CannotCompare."""
    before = results.load(options.baseline) if options.baseline is not None else None
    if options.load is None:
        resources.check()
        found = measure(options, before)
    else:
        found = results.load(options.load)
    changes = estimates.changes(before, found) if before is not None else []
    blocks = [*view.blocks(found), *view.changes(changes)]
    layout.write(results.to_json(found) if options.format == "json" else blocks, options.format, options.output)
    if options.plot is not None:
        options.plot.mkdir(exist_ok=True)
        for name, _, chart in view.charts(found):
            files.write(path := options.plot / f"{name}.svg", chart)
            print(f"compare.py: drew {escape(str(path))}", file=sys.stderr)
    if found.interrupted and options.load is None:
        return INTERRUPTED
    return int(any(ratio.verdict == "worse" for *_, ratio in changes))


def measure(options: argparse.Namespace, before: Results | None = None) -> Results:
    """Take the samples, which shall be held against those from before; after Ctrl-C, those that there are."""
    selection = chosen(options)
    notes, cores = [*selection.notes], environment.cores()
    if cores == (None, None):
        notes.append("server and load are not bound to a core of their own: this machine has no two, or cannot bind")
    if (lacking := missing(TRANSPORTS[TLS])) is not None:
        if TLS in (options.transport or ()):
            raise CannotCompare(f"--transport tls: {lacking}")
        options.transport = [TCP]
        notes.append(f"nothing is measured over TLS: {lacking}")
    plan = planning.make(options, selection.servers, selection.reference.server.label)
    most = max(cell.connections for cell in plan.cells)
    if (lacking := too_few_files(most)) is not None:
        raise CannotCompare(f"--connections {most}: {lacking}, or ask for fewer")
    if before is not None:
        estimates.check_baseline(before, plan.cells)
    each = sum(len(cell.arms) for cell in plan.cells)
    about = layout.duration(round(planning.duration_s(plan)))
    said = f"cells: {len(plan.cells)}, samples a round: {each}, rounds: {plan.rounds}; about {about}"
    print(f"compare.py: {said}", file=sys.stderr)
    surroundings = environment.collect(selection.pythons, cores)
    samples: list[Sample] = []
    started_s = time.monotonic()

    def found(interrupted: bool) -> Results:
        duration_s = round(time.monotonic() - started_s, 3)
        settings = {"sample_s": plan.sample_s, "warm_up_s": WARM_UP_S, "duration_s": duration_s}
        made = Results(surroundings, plan.arms, plan.cells, tuple(samples), settings, interrupted, tuple(notes))
        if options.save is not None:
            files.replace(options.save, results.to_json(made))
        return made

    def taken(launcher: Launcher, folder: Path) -> Iterator[Sample]:
        submit = partial(workers.in_a_thread, partial(take, plan, launcher, folder, cores))
        for _, sample in workers.each(submit, plan.order(), lambda running: len(running) == 1, launcher.kill):
            if sample is not None:
                samples.append(sample)
                found(interrupted=True)
                yield sample

    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Launcher() as launcher:
        if any(cell.transport == TLS for cell in plan.cells):
            write_certificates(Path(folder))
        _, interrupted = gathered(taken(launcher, Path(folder)), plan.rounds * each)
    if interrupted and not samples:
        raise KeyboardInterrupt
    return found(interrupted)


def take(plan: Plan, launcher: Launcher, folder: Path, cores: Cores, place: tuple[int, Cell, Arm]) -> Sample | None:
    """One sample, with processes of `launcher`; None where it was cut off. The certificates for TLS lie in `folder`.
    Raises only what ends the benchmark."""
    number, cell, arm = place
    says = cell.workload == "fresh" and set(planning.QUIET) <= set(arm.server_command)
    words = (*arm.server_command, *(SAYING if says else ()), *(arm.tls_options if cell.transport == TLS else ()))
    command = filled(words, certificates=folder)
    sample = Sample(cell.key, arm.label, number, {})
    try:
        with launcher.part() as part:
            server, address = start(part, command, HOST, says=says, address=arm.server_address, cores=cores[0])
            server.keeps_lines = False
            load = Load(cell, address, server.pid, sample_s=plan.length_s(cell), patience_s=PATIENCE_S)
            sample = _loaded(part, load, cores[1], sample)
            trouble = server.stop().trouble
    except (NotReady, OSError, Closed) as error:
        said = f": {error.log.lines[-1]}" if isinstance(error, NotReady) and error.log.lines else ""
        trouble = f"{error}{said}"
    if trouble is not None:
        sample = dataclasses.replace(sample, troubles=(*sample.troubles, f"the server {trouble}"))
    return None if launcher.is_closed else sample


def _loaded(launcher: Launcher, load: Load, cores: Collection[int] | None, sample: Sample) -> Sample:
    """What the load generator has measured, or the sample with its trouble."""
    command = [sys.executable, "-m", "comparison.bench.generator", json.dumps(dataclasses.asdict(load))]
    log = launcher.start(command, cores=cores).wait(START_S + load.sample_s + 6 * load.patience_s)
    try:
        found: Sample = shapes.make(Sample, dataclasses.asdict(sample) | json.loads(log.lines[-1]))
        return found
    except (IndexError, ValueError, TypeError):
        last = log.lines[-1] if log.lines else "it wrote nothing"
        return dataclasses.replace(sample, troubles=(f"the load generator failed: {log.trouble or last}",))


def _size(text: str) -> int:
    found = re.fullmatch(r"0*([1-9][0-9]*)(?:B|([KM])(?:IB)?)?", text, re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give bytes, or KiB and MiB such as 64, 1K, 128M")
    return int(found[1]) * {"": 1, "K": KIB, "M": MIB}[(found[2] or "").upper()]
