"""`compare.py soak`: its options, and what it does with them."""

import argparse
import sys
from pathlib import Path

from common.logs import escape
from comparison import files, layout
from comparison.bench import resources
from comparison.endpoints import environment
from comparison.model import CannotCompare
from comparison.options import above_zero
from comparison.play.processes import INTERRUPTED
from comparison.selection import add_selection, chosen
from comparison.soak import report
from comparison.soak.load import soak

DESCRIPTION = "Leave each server with good and bad peers for minutes, and see whether anything grows."
EPILOG = "Exit code: 0, 1 where something grows or a good peer got no echo, 2 for trouble, 130 after Ctrl-C."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the soak."""
    add = parser.add_argument
    add("--minutes", type=above_zero, metavar="N", default=1.0, help="how long (%(default)g)")
    add_selection(parser, "SERVER")
    add("--format", choices=("text", "markdown"), default="text", help="what to write (%(default)s)")
    add("--save", type=Path, metavar="FILE", help="keep every look there, as JSON")
    add("--plot", type=Path, metavar="FILE", help="draw a chart there, as SVG")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; after Ctrl-C show what there is. Raises CannotCompare."""
    resources.check()
    files.check_target("--save", options.save)
    files.check_target("--plot", options.plot)
    if options.plot is not None and options.plot.suffix != ".svg":
        raise CannotCompare(f"--plot {str(options.plot)!r}: a chart is drawn as SVG; its name must end in .svg")
    selection = chosen(options)
    courses, interrupted = soak(selection.servers, options.minutes)
    found = report.Soak(tuple(courses), options.minutes, environment(selection.pythons), interrupted)
    if interrupted and not any(course.looks for course in courses):
        raise KeyboardInterrupt
    if options.save is not None:
        files.replace(options.save, report.to_json(found))
    layout.write(report.view(found), options.format)
    if options.plot is not None:
        files.write(options.plot, report.chart(found))
        print(f"compare.py: drew {escape(str(options.plot))}", file=sys.stderr)
    return INTERRUPTED if interrupted else found.exit_code
