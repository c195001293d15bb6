"""`compare.py run`: its options, and what it does with them."""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from comparison import files, layout
from comparison.console import columns_of
from comparison.model import CannotCompare, Comparison, Survey, Verdict
from comparison.options import at_least_one, comma_separated
from comparison.play.processes import INTERRUPTED
from comparison.progress import Progress
from comparison.report import export, view, words
from comparison.report.folder import Folder
from comparison.run import compare_all
from comparison.scenarios import TUTORIAL
from comparison.selection import Selection, Trial, add_selection, chosen, trials

DESCRIPTION = "Run every echo server with every echo client, and show where they differ, and why."
EPILOG = "Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the comparison."""
    add = parser.add_argument
    add(
        "--scenario",
        type=comma_separated,
        metavar="NAME[,NAME]",
        default=[TUTORIAL.name],
        help="what is tried, or all (--list has every one)",
    )
    add(
        "--transport", type=comma_separated, metavar="NAME[,NAME]", help="over what: tcp, tcp6, unix, tls, mtls, or all"
    )
    add_selection(parser, "SERVER[,CLIENT]")
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing (%(default)s)")
    add("--diff", action="store_true", help="show what sets the logs apart, line by line, too")
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--jobs", type=at_least_one, metavar="N", default=os.cpu_count() or 1, help="servers at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    add("--save", type=Path, metavar="DIR", help="keep every log and result there, each as it comes")
    add(
        "--list",
        nargs="?",
        const="",
        metavar="NAME",
        help="show who could take part in what, or all about one, and end",
    )


def run(options: argparse.Namespace) -> int:
    """Compare, and write what came out; after Ctrl-C what has come out so far. Raises CannotCompare."""
    selection = chosen(options)
    tried = trials(options.scenario, options.transport)
    if options.list is not None:
        from comparison.report import listing

        everything = listing.listing(selection, columns_of(sys.stdout))
        layout.draw(listing.everything_about(options.list, selection) if options.list else everything, sys.stdout)
        return 0
    check_targets(options)
    if len(tried) == 1 and tried[0].skipped:
        raise CannotCompare(f"--scenario {tried[0].scenario.name}: {tried[0].skipped}")
    folder = Folder(options.save) if options.save is not None else None
    survey, interrupted, shown = survey_of(selection, tried, repeat=options.repeat, jobs=options.jobs, folder=folder)
    if interrupted and not survey.comparisons:
        raise KeyboardInterrupt
    if options.output is None:
        write(survey, options, sys.stdout, rows=not (shown and sys.stdout.isatty()))
    else:
        with options.output.open("w", encoding="utf-8", errors="backslashreplace") as file:
            write(survey, options, file)
    if interrupted:
        print(f"compare.py: interrupted; {words.judged(survey)} of {len(tried)} were judged", file=sys.stderr)
        return INTERRUPTED
    return survey.exit_code


def survey_of(
    selection: Selection, tried: Sequence[Trial], *, repeat: int, jobs: int, folder: Folder | None = None
) -> tuple[Survey, bool, bool]:
    """The comparisons, one after another; whether Ctrl-C came before the last, and whether a terminal has shown each as
    it came."""
    start_s = time.monotonic()
    done: list[Comparison] = []
    interrupted = False
    runs = sum(len(selection.pairings(trial.scenario)) * repeat for trial in tried if not trial.skipped)
    keep = folder.keep if folder is not None else lambda scenario, transport, run: None
    names = [trial.scenario.name for trial in tried]
    with Progress(runs, names[0]) as progress:
        found = compare_all(selection, tried, repeat=repeat, jobs=jobs, keep=keep, tick=progress.tick)
        try:
            for comparison in found:
                if folder is not None:
                    folder.finish(comparison)
                done.append(comparison)
                line = words.row(comparison) if len(names) > 1 else ""
                progress.judged(line, comparison.count(Verdict.FAILED), "".join(names[len(done) : len(done) + 1]))
        except KeyboardInterrupt:
            interrupted = True
    return Survey(tuple(done), time.monotonic() - start_s), interrupted, progress.has_lines


def write(survey: Survey, options: argparse.Namespace, file: TextIO, rows: bool = True) -> None:
    """Write the survey in the chosen form; as text for a terminal that has shown the `rows` of its scenarios without
    these."""
    if options.format == "json":
        file.write(export.to_json(survey))
    elif options.format == "markdown":
        file.write(view.markdown(survey, diff=options.diff, raw=options.raw))
    else:
        layout.draw(view.blocks(survey, diff=options.diff, raw=options.raw, rows=rows), file)
        if importlib.util.find_spec("rich") is None:
            print("compare.py: for colour: pip install rich", file=sys.stderr)


def check_targets(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    for name in ("diff", "raw"):
        if getattr(options, name) and options.format == "json":
            raise CannotCompare(f"--{name} changes nothing for --format json, which holds every log; leave it out")
    files.check_target("--save", options.save, folder=True)
    if options.save is not None and options.save.exists() and any(options.save.iterdir()):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    files.check_target("--output", options.output)
