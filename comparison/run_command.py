"""`compare.py run`: its options, and what it does with them."""

import argparse
import contextlib
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from comparison import cluster, files, layout
from comparison.model import CannotCompare, Comparison, Survey, Verdict
from comparison.options import at_least_one, comma_separated
from comparison.play.machine import JOBS
from comparison.play.runner import PlayAll
from comparison.progress import Progress, ended_early
from comparison.report import view, words
from comparison.run import compare_all, outlined
from comparison.saved import Folder
from comparison.scenarios import TUTORIAL
from comparison.selection import ALL, add_hosts, add_selection, chosen, trials

DESCRIPTION = "Run every echo server with every echo client, and show where they differ, and why."
EPILOG = view.EPILOG


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the comparison."""
    add, names = parser.add_argument, "NAME[,NAME]"
    tried, over = "what is tried, or all (--list has every one)", "over what: tcp, tcp6, unix, tls, mtls, or all"
    add("--scenario", type=comma_separated, metavar=names, default=[TUTORIAL.name], help=tried)
    add("--transport", type=comma_separated, metavar=names, help=over)
    add_selection(parser, "SERVER[,CLIENT]")
    add_hosts(parser)
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing (%(default)s)")
    add("--jobs", type=at_least_one, metavar="N", default=JOBS, help="servers at once (%(default)s)")
    add("--cluster", metavar="ADDRESS", help="run them on the workers of this scheduler of dask.distributed")
    view.add_options(parser)
    kept = "keep every run, log and result there, each as it comes, for judge"
    add("--save", type=lambda text: files.target(text, folder=True), metavar="DIR", help=kept)
    listed = "show who could take part in what, or all about one, and end"
    add("--list", nargs="?", const="", metavar="NAME", help=listed)


def run(options: argparse.Namespace) -> int:
    """Compare, and write what came out; after Ctrl-C what has come out so far. Raises CannotCompare."""
    selection = chosen(options)
    tried = trials(options.scenario, options.transport, options.server_host)
    if options.list is not None:
        from comparison.report import explain

        name = options.list
        layout.write(explain.everything_about(name, selection) if name else explain.listing(selection))
        return 0
    view.check(options)
    if options.save is not None and options.save.exists() and any(options.save.iterdir()):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    if len(tried) == 1 and tried[0].skipped:
        raise CannotCompare(f"--scenario {tried[0].scenario.name}: {tried[0].skipped}")
    with cluster.workers(options.cluster) if options.cluster else contextlib.nullcontext() as play_all:
        outlines = [outlined(selection, trial, options.repeat) for trial in tried]
        survey, interrupted = survey_of(outlines, jobs=options.jobs, save=options.save, play_all=play_all)
    if ALL in options.scenario and not interrupted:
        from comparison.experiments.play import otherwise

        try:
            survey = dataclasses.replace(survey, otherwise=otherwise(selection))
        except KeyboardInterrupt:
            interrupted = True
    view.write(survey, options, rows=not sys.stderr.isatty())  # which has shown each as it came
    if interrupted:
        return ended_early(f"{words.judged(survey)} of {len(tried)} were judged")
    return survey.exit_code


def survey_of(
    outlines: Sequence[Comparison], *, jobs: int, save: Path | None = None, play_all: PlayAll | None = None
) -> tuple[Survey, bool]:
    """What comes of outlines, one after another, each kept in `save` as it comes; and whether Ctrl-C came before the
    last. Raises KeyboardInterrupt where it came before the first."""
    start_s, interrupted = time.monotonic(), False
    done: list[Comparison] = []
    folder = Folder(save, outlines) if save is not None else None
    runs = sum((len(one.pairings) - len(one.cells)) * one.repeat for one in outlines)
    names = [*(one.scenario.name for one in outlines), ""]
    with Progress(runs, names[0]) as progress:
        keep = folder.keep if folder is not None else None
        compared = compare_all(outlines, jobs=jobs, play_all=play_all, keep=keep, tick=progress.tick)
        try:
            for comparison in compared:
                done.append(comparison)
                if folder is not None:
                    folder.finish(comparison)
                line = words.row(comparison) if len(outlines) > 1 else ""
                progress.judged(line, comparison.count(Verdict.FAILED), names[len(done)])
        except KeyboardInterrupt:
            interrupted = True
        finally:
            compared.close()
    survey = Survey(tuple(done), round(time.monotonic() - start_s, 3))
    if folder is not None:
        folder.write_manifest(survey.duration_s)
    if interrupted and not done:
        raise KeyboardInterrupt
    return survey, interrupted
