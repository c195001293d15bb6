"""`compare.py run`: its options, and what it does with them."""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from comparison import files
from comparison.model import CannotCompare, Comparison, Survey
from comparison.options import at_least_one, comma_separated
from comparison.play.processes import INTERRUPTED
from comparison.progress import Progress
from comparison.report import export, markdown, words
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
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--jobs", type=at_least_one, metavar="N", default=os.cpu_count() or 1, help="servers at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    add("--save", type=Path, metavar="DIR", help="keep every log and result there, each as it comes")
    add("--list", action="store_true", help="show who could take part in what, and end")


def run(options: argparse.Namespace) -> int:
    """Compare, and write what came out; after Ctrl-C what has come out so far. Raises CannotCompare."""
    selection = chosen(options)
    tried = trials(options.scenario, options.transport)
    if options.list:
        from comparison.report.listing import listing

        print("\n".join(listing(selection)))
        return 0
    check_targets(options)
    if len(tried) == 1 and tried[0].skipped:
        raise CannotCompare(f"--scenario {tried[0].scenario.name}: {tried[0].skipped}")
    folder = Folder(options.save) if options.save is not None else None
    survey, interrupted = survey_of(selection, tried, options, folder)
    if interrupted and not survey.comparisons:
        raise KeyboardInterrupt
    if options.output is None:
        write(survey, options.format, options.raw, sys.stdout)
    else:
        with options.output.open("w", encoding="utf-8", errors="backslashreplace") as file:
            write(survey, options.format, options.raw, file)
    if interrupted:
        print(f"compare.py: interrupted; {words.judged(survey)} of {len(tried)} were judged", file=sys.stderr)
        return INTERRUPTED
    return survey.exit_code


def survey_of(
    selection: Selection, tried: Sequence[Trial], options: argparse.Namespace, folder: Folder | None
) -> tuple[Survey, bool]:
    """The comparisons, one after another, and whether Ctrl-C came before the last."""
    start_s = time.monotonic()
    done: list[Comparison] = []
    interrupted = False
    runs = sum(len(selection.pairings(trial.scenario)) * options.repeat for trial in tried if not trial.skipped)
    keep = folder.keep if folder is not None else lambda scenario, transport, run: None
    with Progress(runs) as progress:
        found = compare_all(selection, tried, repeat=options.repeat, jobs=options.jobs, keep=keep, tick=progress.tick)
        try:
            for comparison in found:
                if folder is not None:
                    folder.finish(comparison)
                done.append(comparison)
        except KeyboardInterrupt:
            interrupted = True
    return Survey(tuple(done), time.monotonic() - start_s), interrupted


def write(survey: Survey, form: str, raw: bool, file: TextIO) -> None:
    """Write the survey in the chosen form; without rich, text is Markdown."""
    if form == "json":
        file.write(export.to_json(survey))
    elif form == "text" and importlib.util.find_spec("rich") is not None:
        from comparison.report import terminal

        terminal.show(survey, file, raw)
    else:
        file.write(markdown.render(survey, raw))
        if form == "text":
            print("compare.py: for tables and colour: pip install rich", file=sys.stderr)


def check_targets(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    if options.raw and options.format == "json":
        raise CannotCompare("--raw changes nothing for --format json, which holds every log; leave it out")
    files.check_target("--save", options.save, folder=True)
    if options.save is not None and options.save.exists() and any(options.save.iterdir()):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    files.check_target("--output", options.output)
