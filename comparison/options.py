"""Options that several commands share: who takes part, and the kinds of their values."""

import argparse
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from comparison import endpoints
from comparison.run import Selection, choose


class _NewEndpoint(argparse.Action):
    """An endpoint, whose commands follow."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        options.endpoint = [*options.endpoint, {"name": value, "server_command": None, "client_command": None}]


class _CommandOfEndpoint(argparse.Action):
    """A command of the endpoint that was named last, or where its server listens."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        if not options.endpoint:
            parser.error(f"{option} belongs to an endpoint; give --endpoint NAME before it")
        options.endpoint[-1][self.dest] = value


def add_selection(parser: argparse.ArgumentParser, reference: str) -> None:
    """Give a parser the options that say who takes part; `reference` is how `--reference` is written."""
    add = parser.add_argument
    names = "comma-separated: streams, protocol/uvloop, uvloop, ..."
    add("--server", type=comma_separated, metavar="NAME", help=f"only these servers; {names}")
    add("--client", type=comma_separated, metavar="NAME", help="only these clients, named alike")
    add("--loop", type=comma_separated, metavar="NAME", help="event loops: asyncio, uvloop, MODULE:FACTORY")
    add("--python", type=comma_separated, metavar="PATH", default=(), help="interpreters to run the endpoints with")
    add("--reference", type=comma_separated, metavar=reference, help="what the others are held against (the first)")
    add("--endpoint", action=_NewEndpoint, metavar="NAME", default=[], help="any other program, by its commands:")
    for option in ("--server-command", "--client-command"):
        add(option, action=_CommandOfEndpoint, metavar="COMMAND", help="with {host} and {port} where it takes them")
    add(
        "--server-address", action=_CommandOfEndpoint, metavar="HOST:PORT", help="where a server without {port} listens"
    )


def chosen(options: argparse.Namespace) -> Selection:
    """Who takes part by these options. Raises CannotCompare."""
    selection = choose(
        servers=options.server,
        clients=options.client,
        loops=options.loop,
        pythons=options.python,
        reference=options.reference,
        others=[endpoints.third_party(**fields) for fields in options.endpoint],
    )
    return dataclasses.replace(selection, options=tuple(_typed(options)))


def _typed(options: argparse.Namespace) -> Iterator[str]:
    """The options that say who takes part, as they can be typed again."""
    for name in ("server", "client", "loop", "python", "reference"):
        if names := getattr(options, name):
            yield from (f"--{name}", ",".join(names))
    for endpoint in options.endpoint:
        yield from ("--endpoint", endpoint["name"])
        for name, value in endpoint.items():
            if name != "name" and value is not None:
                yield from (f"--{name.replace('_', '-')}", value)


def comma_separated(text: str) -> list[str]:
    """`a,b` as a list; an empty name is an error."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name; give names with one comma between them")
    return names


def above_zero(text: str) -> float:
    """A number above 0, and not without end."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0; give more than 0")
    return number


def at_least_one(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
