"""How a survey is shown and where to: the options that say so, for every command that makes one."""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TextIO

from comparison import files
from comparison.model import CannotCompare, Survey
from comparison.report import export, markdown

EPILOG = "Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser these options."""
    add = parser.add_argument
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")


def check(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    if options.raw and options.format == "json":
        raise CannotCompare("--raw changes nothing for --format json, which holds every log; leave it out")
    files.check_target("--output", options.output)


def write(survey: Survey, options: argparse.Namespace) -> None:
    """Write a survey as the options say."""
    if options.output is None:
        _write(survey, options.format, options.raw, sys.stdout)
    else:
        with options.output.open("w", encoding="utf-8", errors="backslashreplace") as file:
            _write(survey, options.format, options.raw, file)


def _write(survey: Survey, form: str, raw: bool, file: TextIO) -> None:
    """Without rich, text is Markdown."""
    if form == "json":
        file.write(export.to_json(survey))
    elif form == "text" and importlib.util.find_spec("rich") is not None:
        from comparison.report import terminal

        terminal.show(survey, file, raw)
    else:
        file.write(markdown.render(survey, raw))
        if form == "text":
            print("compare.py: for tables and colour: pip install rich", file=sys.stderr)
