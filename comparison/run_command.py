"""`compare.py run`: its options, and what it does with them."""

import argparse
import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from common.loops import packages
from comparison import cluster, files, hosts, layout
from comparison.model import NO_LEVEL, CannotCompare, Comparison, Survey, Verdict
from comparison.options import at_least_one, comma_separated
from comparison.play.machine import JOBS
from comparison.play.processes import INTERRUPTED
from comparison.play.runner import PlayAll
from comparison.progress import Progress
from comparison.report import view, words
from comparison.run import compare_all, outlined
from comparison.saved import Folder
from comparison.scenarios import TUTORIAL
from comparison.selection import ALL, Selection, Trial, add_selection, chosen, trials

DESCRIPTION = "Run every echo server with every echo client, and show where they differ, and why."
EPILOG = view.EPILOG


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the comparison."""
    add, names = parser.add_argument, "NAME[,NAME]"
    tried, over = "what is tried, or all (--list has every one)", "over what: tcp, tcp6, unix, tls, mtls, or all"
    add("--scenario", type=comma_separated, metavar=names, default=[TUTORIAL.name], help=tried)
    add("--transport", type=comma_separated, metavar=names, help=over)
    add_selection(parser, "SERVER[,CLIENT]")
    hosts.add_options(parser)
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing (%(default)s)")
    add("--jobs", type=at_least_one, metavar="N", default=JOBS, help="servers at once (%(default)s)")
    add("--cluster", metavar="ADDRESS", help="run them on the workers of this scheduler of dask.distributed")
    view.add_options(parser)
    add("--save", type=Path, metavar="DIR", help="keep every run, log and result there, each as it comes, for judge")
    listed = "show who could take part in what, or all about one, and end"
    add("--list", nargs="?", const="", metavar="NAME", help=listed)


def run(options: argparse.Namespace) -> int:
    """Compare, and write what came out; after Ctrl-C what has come out so far. Raises CannotCompare."""
    selection = hosts.elsewhere(chosen(options), options)
    tried = hosts.over(trials(options.scenario, options.transport), options.server_host)
    if options.list is not None:
        from comparison.report import explain

        everything = explain.listing(selection, layout.columns_of(sys.stdout))
        layout.draw(explain.everything_about(options.list, selection) if options.list else everything, sys.stdout)
        return 0
    view.check(options)
    files.check_target("--save", options.save, folder=True)
    if options.save is not None and options.save.exists() and any(options.save.iterdir()):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    if len(tried) == 1 and tried[0].skipped:
        raise CannotCompare(f"--scenario {tried[0].scenario.name}: {tried[0].skipped}")
    with cluster.workers(options.cluster) if options.cluster else contextlib.nullcontext() as play_all:
        survey, interrupted, shown = survey_of(
            selection, tried, repeat=options.repeat, jobs=options.jobs, save=options.save, play_all=play_all
        )
    if interrupted and not survey.comparisons:
        raise KeyboardInterrupt
    if ALL in options.scenario and not interrupted:
        try:
            survey = dataclasses.replace(survey, otherwise=otherwise_of(selection))
        except KeyboardInterrupt:
            interrupted = True
    view.write(survey, options, rows=not shown)
    if interrupted:
        print(f"compare.py: interrupted; {words.judged(survey)} of {len(tried)} were judged", file=sys.stderr)
        return INTERRUPTED
    return survey.exit_code


def survey_of(
    selection: Selection,
    tried: Sequence[Trial],
    *,
    repeat: int,
    jobs: int,
    save: Path | None = None,
    play_all: PlayAll | None = None,
) -> tuple[Survey, bool, bool]:
    """The comparisons, one after another, each kept in `save` as it comes; whether Ctrl-C came before the last, and
    whether a terminal has shown each as it came."""
    start_s = time.monotonic()
    done: list[Comparison] = []
    outlines = [outlined(selection, trial, repeat) for trial in tried]
    folder = Folder(save, outlines) if save is not None else None
    keep = folder.keep if folder is not None else lambda scenario, transport, run: None
    interrupted = False
    runs = sum(len(one.pairings) - len(one.cells) for one in outlines) * repeat
    names = [trial.scenario.name for trial in tried]
    with Progress(runs, names[0]) as progress:
        compared = compare_all(
            selection, tried, repeat=repeat, jobs=jobs, play_all=play_all, keep=keep, tick=progress.tick
        )
        try:
            for comparison in compared:
                done.append(comparison)
                if folder is not None:
                    folder.finish(comparison)
                line = words.row(comparison) if len(names) > 1 else ""
                progress.judged(line, comparison.count(Verdict.FAILED), "".join(names[len(done) : len(done) + 1]))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            compared.close()
    survey = Survey(tuple(done), round(time.monotonic() - start_s, 3))
    if folder is not None:
        folder.close(survey)
    return survey, interrupted, progress.has_lines


def otherwise_of(selection: Selection) -> dict[str, tuple[str, ...]]:
    """What each loop but asyncio's does otherwise, on the first Python that has it."""
    from comparison.experiments import otherwise

    loops = dict.fromkeys(end.loop for end in (*selection.servers, *selection.clients))
    having = [(loop, [p for p in selection.pythons if p.versions.keys() >= set(packages(loop))]) for loop in loops]
    arms = [(loop, pythons[0]) for loop, pythons in having if pythons and loop != NO_LEVEL]
    tried = otherwise.to_be_run(arms)
    with Progress(len(tried), "behaviours") as progress:
        return otherwise.as_known(arms) | otherwise.seen(tried, os.cpu_count() or 1, progress.tick)
