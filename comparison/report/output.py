"""How a survey is shown and where to: the options that say so, for every command that makes one."""

import argparse
import importlib.util
import sys
from pathlib import Path

from comparison import files, layout
from comparison.model import CannotCompare, Survey
from comparison.report import export, view

EPILOG = "Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser these options."""
    add = parser.add_argument
    add("--diff", action="store_true", help="show what sets the logs apart, line by line, too")
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")


def check(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    for name in ("diff", "raw"):
        if getattr(options, name) and options.format == "json":
            raise CannotCompare(f"--{name} changes nothing for --format json, which holds every log; leave it out")
    files.check_target("--output", options.output)


def write(survey: Survey, options: argparse.Namespace, rows: bool = True) -> None:
    """Write a survey as the options say; as text for a terminal that has shown the `rows` of its scenarios without
    these."""
    rows = rows or options.format != "text" or options.output is not None or not sys.stdout.isatty()
    blocks = view.blocks(survey, diff=options.diff, raw=options.raw, rows=rows)
    layout.write(export.to_json(survey) if options.format == "json" else blocks, options.format, options.output)
    if options.format == "text" and importlib.util.find_spec("rich") is None:
        print("compare.py: for colour: pip install rich", file=sys.stderr)
