#!/usr/bin/env python3
"""Run every echo server with every echo client, and show where they differ, and why.

The command line, and nothing else: each command is a module, of which only the one that is asked for is imported.
"""

import sys

from comparison import VERSION, surroundings

if not surroundings.suit():  # what is imported from here on takes what Windows lacks
    sys.exit(2)
if __name__ == "__main__":
    surroundings.prepare()  # before anything takes hold of a stream, and before Ctrl-C may come

import argparse
import contextlib
import importlib
import os
import re
from collections.abc import Sequence
from typing import NoReturn

from common.config import INTERRUPTED
from common.logs import escape
from comparison.model import CannotCompare
from comparison.options import did_you_mean
from comparison.play.processes import heed_signals

TROUBLE = 2

COMMANDS = {
    "run": ("run_command", "compares, and is what is done without a command"),
    "judge": ("judge_command", "judges what `run --save` has kept, here or on several machines"),
    "explain": ("report.explain", "tells of one cause by its name, with an example from a run"),
    "bench": ("bench.command", "measures what each choice costs"),
    "soak": ("soak.command", "leaves each server with bad peers for minutes, and sees whether anything grows"),
    "behaviours": ("experiments.command", "shows how the APIs, loops and versions really behave, and what bites"),
    "why": ("why.command", "shows why each statement of the programs is there: what breaks without it"),
    "report": ("report.command", "makes a page of it all"),
}
"""The commands: the module of each, and what it does. The first is what is done without a command. A module has a
DESCRIPTION, an EPILOG, `add_options(parser)` and `run(options)`, which returns the exit code."""

USUAL = next(iter(COMMANDS))


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line with the remedy."""

    def error(self, message: str) -> NoReturn:
        words = message.partition("unrecognized arguments: ")[2].split()
        if words:
            options = re.findall(r"--[a-z][a-z-]+", self.format_help())
            message += did_you_mean(words[0].partition("=")[0], options if words[0].startswith("-") else COMMANDS)
        # argparse shows a word that it does not know as it came: with line breaks, and with what moves a cursor.
        self.exit(TROUBLE, f"{self.prog}: error: {escape(message)} (all options: --help)\n")


def parser(name: str = USUAL) -> Parser:
    """The command line of a command, whose module is imported when it is asked for."""
    command = importlib.import_module(f"comparison.{COMMANDS[name][0]}")
    found = Parser(f"compare.py {name}", description=command.DESCRIPTION, epilog=command.EPILOG, allow_abbrev=False)
    if name == USUAL:
        found.prog = "compare.py"
        found.usage = f"compare.py [{USUAL}] [options]\n       compare.py {{{','.join(COMMANDS)}}} [options]"
        found.description = command.DESCRIPTION + "".join(f" `{one}` {does}." for one, (_, does) in COMMANDS.items())
        found.add_argument("--version", action="version", version=f"protocol-vs-streams {VERSION}")
    found.set_defaults(run=command.run)
    command.add_options(found)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code is that of diff(1)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given.pop(0) if given and given[0] in COMMANDS else USUAL
    try:
        try:
            line = parser(name)
            surroundings.prepared()
            heed_signals()
            options = line.parse_args(given)
            return int(options.run(options))
        except KeyboardInterrupt:
            drop_output()  # whoever reads it may stand still
            raise
        finally:
            sys.stdout.flush()  # here, where it can still be reported that nobody takes it
    except (CannotCompare, argparse.ArgumentTypeError) as error:
        told = str(error)
    except RuntimeError as error:
        if "new thread" not in str(error):  # as Python says it
            raise
        told = f"{error}: end other programs, or raise the limit (ulimit -u)"
    except BrokenPipeError:  # whoever read our output has seen enough: `compare.py | head`
        drop_output()
        return TROUBLE
    except OSError as error:
        drop_output()
        told = f"cannot write the result: {error}; free the place or name another"
    except KeyboardInterrupt:
        drop_output()
        print("compare.py: interrupted; every endpoint was stopped", file=sys.stderr)
        return INTERRUPTED
    print(f"compare.py: error: {told}", file=sys.stderr)
    return TROUBLE


def drop_output() -> None:
    """What is still buffered for standard output cannot be written at the exit either."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
