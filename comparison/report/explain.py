"""`compare.py explain`: its options, and what it does with them."""

import argparse
import os
import shutil
import sys
import textwrap

from comparison.judge.catalogue import CATALOGUE
from comparison.model import CannotCompare
from comparison.report import words
from comparison.run import compare_all
from comparison.selection import add_selection, chosen, trials

DESCRIPTION = "Tell of one cause of a difference, with an example from a run; without a name, list them all."
EPILOG = "Exit code: 0, 2 for trouble."

WIDTH = 100
"""Columns of text that does not go to a terminal."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of an explanation."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    add_selection(parser, "SERVER[,CLIENT]")


def run(options: argparse.Namespace) -> int:
    """Show the catalogue, or one entry of it with an example. Raises CannotCompare."""
    if options.name is None:
        print("\n".join(f"{entry.name}: {entry.title}" for entry in CATALOGUE.values()))
        return 0
    if options.name not in CATALOGUE:
        raise CannotCompare(f"explain {options.name!r}: no such cause; known are {', '.join(CATALOGUE)}")
    entry = CATALOGUE[options.name]
    [trial] = trials([entry.scenario], [entry.transport])
    if trial.skipped:
        raise CannotCompare(f"explain {entry.name}: its example cannot be run: {trial.skipped}")
    [comparison] = compare_all(chosen(options), [trial], jobs=os.cpu_count() or 1)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    for line in words.explanation(entry, comparison):
        further = "    " if line.startswith(" ") else ""
        print(textwrap.fill(line, width, subsequent_indent=further, replace_whitespace=False))
    return 0
