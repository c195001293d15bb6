"""`compare.py bench`: its options, and what it does with them."""

import argparse
import functools
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common.logs import escape
from comparison import files, layout
from comparison.bench import arms, baseline, environment, planning, resources, results, view
from comparison.bench.plan import KIB, LEAST_ROUNDS, TCP, TLS, WORKLOADS, Results, Sample
from comparison.model import MIB, CannotCompare
from comparison.options import above_zero, at_least_one
from comparison.play import workers
from comparison.play.processes import INTERRUPTED, Launcher
from comparison.play.transports import TRANSPORTS, missing, write_certificates
from comparison.progress import Progress
from comparison.selection import add_selection, chosen

DESCRIPTION = "Measure what each implementation costs on each event loop: CPU, latency, throughput, memory."
EPILOG = "Exit code: 0, 1 for worse than --baseline, 2 for trouble, 130 after Ctrl-C, which shows what there is."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the benchmark."""
    add, of_lines, of_rounds = parser.add_argument, planning.IN_FLIGHT, LEAST_ROUNDS
    add("--quick", action="store_true", help="one minute: echo and connect, one size, 10 connections")
    add("--workload", type=_list_of(str, *WORKLOADS), metavar="NAME", help=f"only these: {', '.join(WORKLOADS)}")
    add("--transport", type=_list_of(str, TCP, TLS), metavar="NAME", help="tcp, tls")
    add("--size", type=_list_of(_size), metavar="BYTES", help="sizes of the messages of echo (64,1K,64K)")
    add("--connections", type=_list_of(at_least_one), metavar="N", help="numbers of connections of echo (1,10,100)")
    add("--in-flight", type=at_least_one, metavar="N", default=of_lines, help="lines at once (%(default)s)")
    add("--rounds", type=at_least_one, metavar="N", default=of_rounds, help="how often each is measured (%(default)s)")
    add("--sample", type=above_zero, metavar="S", help="length of one sample (0.2; with --quick 0.15)")
    add_selection(parser, "SERVER")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    add("--save", type=Path, metavar="FILE", help="keep every sample there as JSON, from the first on")
    add("--load", type=Path, metavar="FILE", help="measure nothing, show what --save has kept")
    add("--baseline", type=Path, metavar="FILE", help="say what is better or worse than in what --save has kept there")
    add("--plot", type=Path, metavar="DIR", help="draw charts there, as SVG")


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Raises CannotCompare."""
    files.check_target("--save", options.save)
    files.check_target("--output", options.output)
    files.check_target("--plot", options.plot, folder=True)
    before = results.load(options.baseline) if options.baseline is not None else None
    if options.load is None:
        resources.check()
        found = measure(options, before)
    elif options.save is None:
        found = results.load(options.load)
    else:
        raise CannotCompare("--save keeps what is measured, and --load measures nothing; leave one of them out")
    changes = baseline.changes(before, found) if before is not None else []
    blocks = [*view.blocks(found), *baseline.blocks(changes)]
    layout.write(results.to_json(found) if options.format == "json" else blocks, options.format, options.output)
    if options.plot is not None:
        options.plot.mkdir(exist_ok=True)
        for name, _, chart in view.charts(found):
            files.write(path := options.plot / f"{name}.svg", chart)
            print(f"compare.py: drew {escape(str(path))}", file=sys.stderr)
    if found.interrupted and options.load is None:
        return INTERRUPTED
    return int(any(baseline.verdict(ratio) == "worse" for *_, ratio in changes))


def measure(options: argparse.Namespace, before: Results | None = None) -> Results:
    """Take the samples, which shall be held against those from before; after Ctrl-C, those that there are."""
    selection = chosen(options)
    notes = [*selection.notes, *environment.notes()]
    if (lacking := missing(TRANSPORTS[TLS])) is not None:
        if TLS in (options.transport or ()):
            raise CannotCompare(f"--transport tls: {lacking}")
        options.transport = [TCP]
        notes.append(f"nothing is measured over TLS: {lacking}")
    plan, left_out = planning.make(options, selection.servers, selection.reference.server.label)
    environment.check_connections(plan.cells)
    if before is not None:
        baseline.check(before, plan.cells)
    each = sum(len(cell.arms) for cell in plan.cells)
    about = layout.duration(round(planning.duration_s(plan)))
    said = f"cells: {len(plan.cells)}, samples a round: {each}, rounds: {plan.rounds}; about {about}"
    print(f"compare.py: {said}", file=sys.stderr)
    notes += left_out
    cores = environment.cores()
    surroundings = environment.collect(selection.pythons, cores)
    samples: list[Sample] = []
    started_s = time.monotonic()

    def found(interrupted: bool) -> Results:
        duration_s = round(time.monotonic() - started_s, 3)
        settings = {"sample_s": plan.sample_s, "warm_up_s": plan.warm_up_s, "duration_s": duration_s}
        made = Results(surroundings, plan.arms, plan.cells, tuple(samples), settings, interrupted, tuple(notes))
        if options.save is not None:
            files.replace(options.save, results.to_json(made))
        return made

    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Progress(plan.rounds * each) as shown,
        Launcher() as launcher,
    ):
        take = functools.partial(arms.take, plan, launcher, Path(folder), cores)
        if any(cell.transport == TLS for cell in plan.cells):
            write_certificates(Path(folder))
        submit = functools.partial(workers.in_a_thread, take)
        try:
            for _, sample in workers.each(submit, plan.order(), lambda running: len(running) == 1, launcher.kill):
                if sample is not None:
                    samples.append(sample)
                    found(interrupted=True)
                    shown.tick()
        except KeyboardInterrupt:
            if not samples:
                raise
            return found(interrupted=True)
    return found(interrupted=False)


def _list_of(read: Callable[[str], object], *known: str) -> Callable[[str], list[object]]:
    """A reader of values with a comma between them, of those that are known; each counts once."""

    def read_all(text: str) -> list[object]:
        values = dict.fromkeys(read(part.strip()) for part in text.split(","))
        for value in values:
            if known and value not in known:
                raise argparse.ArgumentTypeError(f"{value!r} is unknown: choose {', '.join(known)}")
        return list(values)

    return read_all


def _size(text: str) -> int:
    found = re.fullmatch(r"0*([1-9][0-9]*)(?:B|([KM])(?:IB)?)?", text, re.IGNORECASE)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give bytes, or KiB and MiB such as 64, 1K, 128M")
    return int(found[1]) * {"": 1, "K": KIB, "M": MIB}[(found[2] or "").upper()]
