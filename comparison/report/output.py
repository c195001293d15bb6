"""How a survey is shown and where to: the options that say so, for every command that makes one."""

import argparse
import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import TextIO

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
    with _target(options.output) as file:
        if options.format == "json":
            file.write(export.to_json(survey))
        elif options.format == "markdown":
            file.write(view.markdown(survey, diff=options.diff, raw=options.raw))
        else:
            rows = rows or not file.isatty()
            layout.draw(view.blocks(survey, diff=options.diff, raw=options.raw, rows=rows), file)
            if importlib.util.find_spec("rich") is None:
                print("compare.py: for colour: pip install rich", file=sys.stderr)


def _target(path: Path | None) -> contextlib.AbstractContextManager[TextIO]:
    if path is None:
        return contextlib.nullcontext(sys.stdout)
    return path.open("w", encoding="utf-8", errors="backslashreplace")
