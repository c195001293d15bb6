#!/usr/bin/env python3
"""Run every echo server with every echo client, and show where they differ, and why.

The command line, and nothing else.
"""

import sys

from comparison import surroundings

if not surroundings.suit():  # what is imported from here on takes what Windows lacks
    sys.exit(2)
if __name__ == "__main__":
    surroundings.prepare()  # before anything takes hold of a stream, and before Ctrl-C may come

import argparse
import contextlib
import importlib
import importlib.util
import os
import shutil
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol, TextIO, cast

from common.logs import escape
from comparison import files
from comparison.judge.catalogue import CATALOGUE
from comparison.model import CannotCompare, Comparison, Survey
from comparison.options import at_least_one, comma_separated
from comparison.play.processes import INTERRUPTED, let_endpoints_heed_ctrl_c, stop_cleanly_on_sigterm
from comparison.play.transports import TRANSPORTS
from comparison.progress import Progress
from comparison.report import export, markdown, words
from comparison.report.folder import Folder
from comparison.run import compare_all
from comparison.scenarios import SCENARIOS, TUTORIAL
from comparison.selection import Selection, Trial, add_selection, chosen, trials

WIDTH = 100
"""Columns of text that does not go to a terminal."""

TROUBLE = 2


class Command(Protocol):
    """A module with a command of its own."""

    DESCRIPTION: str
    EPILOG: str

    def add_options(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


COMMANDS = {
    "bench": "comparison.bench.command",
    "soak": "comparison.soak.command",
    "report": "comparison.report.command",
}
"""The other commands, by name: modules, of which only the one that is asked for is imported."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line with the remedy."""

    def error(self, message: str) -> NoReturn:
        # argparse shows a word that it does not know as it came: with line breaks, and with what moves a cursor.
        self.exit(TROUBLE, f"{self.prog}: error: {escape(message)} (all options: --help)\n")


def parser() -> Parser:
    """The command line of compare.py, and of `compare.py run`."""
    parser = Parser(
        prog="compare.py",
        usage="compare.py [run] [options]\n       compare.py explain [NAME] [options]\n"
        "       compare.py bench [options]\n       compare.py soak [options]\n"
        "       compare.py report [-o FILE] [FILE ...] [options]",
        description="Run every echo server with every echo client, and show where they differ, and why. "
        "`explain NAME` tells of one cause, with an example from a run; `bench` measures what each choice costs; "
        "`soak` leaves each server with bad peers for minutes, and sees whether anything grows; "
        "`report` makes a page of it all.",
        epilog="Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble.",
        allow_abbrev=False,
    )
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
    return parser


def explain_parser() -> Parser:
    """The command line of `compare.py explain`."""
    parser = Parser(
        prog="compare.py explain",
        description="Tell of one cause of a difference, with an example from a run; without a name, list them all.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    add_selection(parser, "SERVER[,CLIENT]")
    return parser


def other_command(name: str) -> Command:
    """The module of another command, imported when it is asked for."""
    return cast(Command, importlib.import_module(COMMANDS[name]))


def command_parser(name: str) -> Parser:
    """The command line of another command."""
    command = other_command(name)
    parser = Parser(
        prog=f"compare.py {name}", description=command.DESCRIPTION, epilog=command.EPILOG, allow_abbrev=False
    )
    command.add_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code is that of diff(1)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            stop_cleanly_on_sigterm()
            let_endpoints_heed_ctrl_c()
            if given[:1] == ["explain"]:
                return explain(explain_parser().parse_args(given[1:]))
            if given[:1] and given[0] in COMMANDS:
                return other_command(given[0]).run(command_parser(given[0]).parse_args(given[1:]))
            return run(parser().parse_args(given[1:] if given[:1] == ["run"] else given))
        except KeyboardInterrupt:
            drop_output()  # whoever reads it may stand still
            raise
        finally:
            sys.stdout.flush()  # here, where it can still be reported that nobody takes it
    except CannotCompare as error:
        print(f"compare.py: error: {error}", file=sys.stderr)
        return TROUBLE
    except RuntimeError as error:
        if "new thread" not in str(error):  # as Python says it
            raise
        print(f"compare.py: error: {error}: end other programs, or raise the limit (ulimit -u)", file=sys.stderr)
        return TROUBLE
    except OSError as error:
        drop_output()
        if not isinstance(error, BrokenPipeError):  # whoever read our output has seen enough: `compare.py | head`
            print(
                f"compare.py: error: cannot write the result: {error}; free the place or name another", file=sys.stderr
            )
        return TROUBLE
    except KeyboardInterrupt:
        drop_output()
        print("compare.py: interrupted; every endpoint was stopped", file=sys.stderr)
        return INTERRUPTED


def drop_output() -> None:
    """What is still buffered for standard output cannot be written at the exit either."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(options: argparse.Namespace) -> int:
    """Compare, and write what came out; after Ctrl-C what has come out so far. Raises CannotCompare."""
    selection = chosen(options)
    tried = trials(options.scenario, options.transport)
    if options.list:
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


def explain(options: argparse.Namespace) -> int:
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
        print(
            textwrap.fill(
                line, width, subsequent_indent="    " if line.startswith(" ") else "", replace_whitespace=False
            )
        )
    return 0


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


def listing(selection: Selection) -> list[str]:
    """Who could take part in what, and what is missing."""
    endpoints = dict.fromkeys((*selection.servers, *selection.clients))
    lines = [f"{endpoint.label}: Python {endpoint.python}" for endpoint in endpoints]
    for scenario in SCENARIOS.values():
        lines.append(f"--scenario {scenario.name}: {scenario.description}")
        lines.append(f"    over {', '.join(scenario.transports)}; must hold: {'; '.join(words.expectation(scenario))}")
        lines += [f"    shows: {', '.join(scenario.shows)}"] if scenario.shows else []
    lines += [f"--transport {transport.name}: {transport.description}" for transport in TRANSPORTS.values()]
    lines.append(f"reference: {selection.reference}")
    return lines + [f"Note: {note}" for note in selection.notes]


def check_targets(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    if options.raw and options.format == "json":
        raise CannotCompare("--raw changes nothing for --format json, which holds every log; leave it out")
    files.check_target("--save", options.save, folder=True)
    if options.save is not None and options.save.exists() and any(options.save.iterdir()):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    files.check_target("--output", options.output)


if __name__ == "__main__":
    surroundings.prepared()
    sys.exit(main())
