"""`compare.py judge`: its options, and what it does with them."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.judge.causes import Names
from comparison.judge.verdicts import observe
from comparison.model import CannotCompare, Survey
from comparison.progress import Progress
from comparison.report import view
from comparison.run import judged
from comparison.saved import WANTED, Saved, load, this_machine, together

DESCRIPTION = (
    "Judge what run --save has kept, here or on other machines: the verdicts, and the exit code, are those of the run. "
    "Of several machines, the machine is one more factor that may predict a difference."
)
EPILOG = view.EPILOG


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of judging."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help=f"{WANTED}; each is of one machine")
    view.add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Judge what was saved, and write what came out. Raises CannotCompare."""
    view.check(options)
    folders = [load(path) for path in {path.resolve(): path for path in options.folders}.values()]
    survey = survey_of(folders)
    if not survey.comparisons:
        raise CannotCompare(f"{', '.join(map(str, options.folders))}: nothing was played; run it once more")
    view.write(survey, options)
    for folder in folders:
        if folder.done < (planned := len(folder.comparisons)):
            early = f"ended early; {folder.done} of {planned} were done"
            print(f"compare.py: {str(folder.path)!r} {early}", file=sys.stderr)
    return survey.exit_code


def survey_of(folders: Sequence[Saved]) -> Survey:
    """The verdicts on all that the folders hold."""
    names, done = Names(), []
    here = [folder.machine for folder in folders] == [this_machine()]
    again = () if here else tuple(str(folder.path) for folder in folders)
    with Progress(sum(len(folder.files_of(one)) for folder in folders for one in folder.comparisons)) as progress:
        for comparison, runs in together(folders):
            observations = []
            for run in runs:
                observations.append(observe(comparison.scenario, run))
                progress.tick()
            done.append(judged(dataclasses.replace(comparison, saved_in=again), observations, names))
    return Survey(tuple(done), sum(folder.duration_s for folder in folders))
