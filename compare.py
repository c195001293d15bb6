#!/usr/bin/env python3
"""Run every echo server with every echo client, and show where they differ, and why.

The command line, and nothing else.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from comparison.bench import command
from comparison.model import CannotCompare, Comparison
from comparison.processes import stop_cleanly_on_sigterm
from comparison.progress import Progress
from comparison.report import export, markdown
from comparison.run import Selection, choose, compare
from comparison.scenarios import SCENARIOS, TCP, TRANSPORTS, TUTORIAL, check_available

INTERRUPTED = 130
TROUBLE = 2


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line with the remedy."""

    def error(self, message: str) -> NoReturn:
        self.exit(TROUBLE, f"{self.prog}: error: {message} (all options: --help)\n")


def parser() -> Parser:
    """The command line of compare.py."""
    parser = Parser(
        prog="compare.py",
        description="Run every echo server with every echo client, and show where they differ, and why.",
        epilog="Exit code: 0 where nothing is different or failed, 1 where something is, 2 for trouble.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--scenario", choices=SCENARIOS, metavar="NAME", default=TUTORIAL.name, help="what is tried (--list has all)")
    add("--transport", choices=TRANSPORTS, metavar="NAME", default=TCP.name, help="over what (--list has all)")
    names = "comma-separated: streams, protocol/uvloop, uvloop, ..."
    add("--server", type=comma_separated, metavar="NAME", help=f"only these servers; {names}")
    add("--client", type=comma_separated, metavar="NAME", help="only these clients, named alike")
    add("--loop", type=comma_separated, metavar="NAME", help="event loops: asyncio, uvloop, MODULE:FACTORY")
    add("--python", type=comma_separated, metavar="PATH", default=(), help="interpreters to run the endpoints with")
    add(
        "--reference",
        type=comma_separated,
        metavar="SERVER[,CLIENT]",
        help="what all are held against (streams,streams on the first loop)",
    )
    add("--repeat", type=at_least_one, metavar="N", default=1, help="runs of each pairing (%(default)s)")
    add("--raw", action="store_true", help="show the logs as they came, too")
    add("--jobs", type=at_least_one, metavar="N", default=os.cpu_count() or 1, help="servers at once (%(default)s)")
    add("--format", choices=("text", "json", "markdown"), default="text", help="what to write (%(default)s)")
    add("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    add("--save", type=Path, metavar="DIR", help="keep both logs of each pairing, and the commands that repeat it")
    add("--list", action="store_true", help="show who could take part, and end")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a comparison by its command line; the exit code is that of diff(1)."""
    try:
        try:
            arguments = sys.argv[1:] if arguments is None else arguments
            stop_cleanly_on_sigterm()
            if arguments[:1] == ["bench"]:
                return bench(arguments[1:])
            return run(parser().parse_args(arguments))
        finally:
            sys.stdout.flush()  # here, where it can still be reported that nobody takes it
    except CannotCompare as error:
        print(f"compare.py: error: {error}", file=sys.stderr)
        return TROUBLE
    except OSError as error:
        # What is still buffered cannot be written at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever read our output has seen enough: `compare.py | head`
            print(
                f"compare.py: error: cannot write the result: {error}; free the place or name another", file=sys.stderr
            )
        return TROUBLE
    except KeyboardInterrupt:
        print("compare.py: interrupted; every endpoint was stopped", file=sys.stderr)
        return INTERRUPTED


def bench(arguments: Sequence[str]) -> int:
    """Measure what each choice costs. Raises CannotCompare."""
    return command.run(bench_parser().parse_args(arguments))


def bench_parser() -> argparse.ArgumentParser:
    """The command line of compare.py bench."""
    parser = Parser(prog="compare.py bench", description=command.DESCRIPTION, epilog=command.EPILOG, allow_abbrev=False)
    command.add_options(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Raises CannotCompare."""
    selection = choose(
        servers=options.server,
        clients=options.client,
        loops=options.loop,
        pythons=options.python,
        reference=options.reference,
    )
    if options.list:
        print("\n".join(listing(selection)))
        return 0
    check_targets(options)
    transport = TRANSPORTS[options.transport]
    check_available(transport)
    with Progress(selection.pairings * options.repeat) as progress:
        comparison = compare(
            selection,
            SCENARIOS[options.scenario],
            transport=transport,
            repeat=options.repeat,
            jobs=options.jobs,
            tick=progress.tick,
        )
    if options.save is not None:
        export.save(comparison, options.save)
    if options.output is None:
        write(comparison, options.format, options.raw, sys.stdout)
    else:
        with options.output.open("w") as file:
            write(comparison, options.format, options.raw, file)
    return comparison.exit_code


def write(comparison: Comparison, form: str, raw: bool, file: TextIO) -> None:
    """Write the comparison in the chosen form; without rich, text is Markdown."""
    if form == "json":
        file.write(export.to_json(comparison))
    elif form == "text" and importlib.util.find_spec("rich") is not None:
        from comparison.report import terminal

        terminal.show(comparison, file, raw)
    else:
        file.write(markdown.render(comparison, raw))
        if form == "text":
            print("compare.py: for tables and colour: pip install rich", file=sys.stderr)


def listing(selection: Selection) -> list[str]:
    """Who could take part, and what is missing."""
    endpoints = dict.fromkeys((*selection.servers, *selection.clients))
    lines = [f"{endpoint.label}: Python {endpoint.python}" for endpoint in endpoints]
    lines += [f"--scenario {scenario.name}: {scenario.description}" for scenario in SCENARIOS.values()]
    lines += [f"--transport {transport.name}: {transport.description}" for transport in TRANSPORTS.values()]
    lines.append(f"reference: {selection.reference}")
    return lines + [f"Note: {note}" for note in selection.notes]


def check_targets(options: argparse.Namespace) -> None:
    """Find out that a result cannot be written before it is made. Raises CannotCompare."""
    if options.raw and options.format == "json":
        raise CannotCompare("--raw changes nothing for --format json, which holds every log; leave it out")
    if (
        options.save is not None
        and options.save.exists()
        and (not options.save.is_dir() or any(options.save.iterdir()))
    ):
        raise CannotCompare(f"--save {str(options.save)!r} is not an empty folder; name a new one")
    for option, path in (("--save", options.save), ("--output", options.output)):
        if path is not None and not (path.absolute().parent.is_dir() and os.access(path.absolute().parent, os.W_OK)):
            raise CannotCompare(f"{option} {str(path)!r}: its folder cannot be written; make it or name another")
    if options.output is not None and options.output.is_dir():
        raise CannotCompare(f"--output {str(options.output)!r} is a folder; name a file")


def comma_separated(text: str) -> list[str]:
    """`a,b` as a list; an empty name is an error."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name; give names with one comma between them")
    return names


def at_least_one(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
