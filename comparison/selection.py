"""Who takes part, in what: chosen by name, and the options of a command line that choose."""

import argparse
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from comparison import endpoints
from comparison.model import RAW, CannotCompare, Endpoint, Interpreter, Pairing, Scenario, Transport
from comparison.options import LOOP_HELP, comma_separated, unknown
from comparison.play.machine import too_few_files
from comparison.play.transports import TRANSPORTS, missing
from comparison.scenarios import SCENARIOS

ALL = "all"
Named = TypeVar("Named")


@dataclass(frozen=True)
class Selection:
    """Who takes part in a comparison, and what everyone is held against."""

    pythons: tuple[Interpreter, ...]
    servers: tuple[Endpoint, ...]
    clients: tuple[Endpoint, ...]
    reference: Pairing
    notes: tuple[str, ...]
    options: tuple[str, ...] = ()
    """The options of the command line that choose the same once more."""

    def pairings(self, scenario: Scenario) -> list[Pairing]:
        """The cells of a scenario; where the engine plays one side, that side is always the same."""
        everyone = itertools.product(self.servers, self.clients)
        return list(dict.fromkeys(_of(scenario, server, client) for server, client in everyone))

    def reference_of(self, scenario: Scenario) -> Pairing:
        return _of(scenario, self.reference.server, self.reference.client)


def _of(scenario: Scenario, server: Endpoint, client: Endpoint) -> Pairing:
    return Pairing(server if "server" in scenario.on_trial else RAW, client if "client" in scenario.on_trial else RAW)


@dataclass(frozen=True)
class Trial:
    """A scenario over a transport; `skipped` says why it cannot be run here."""

    scenario: Scenario
    transport: Transport
    skipped: str | None = None


def choose(
    *,
    servers: Sequence[str] | None = None,
    clients: Sequence[str] | None = None,
    loops: Sequence[str] | None = None,
    pythons: Sequence[str] = (),
    reference: Sequence[str] | None = None,
    others: Sequence[Endpoint] = (),
) -> Selection:
    """Find out what this machine can run, and pick from it and from `others`. Raises CannotCompare."""
    found = endpoints.interpreters(pythons, loops)
    everyone, notes = endpoints.available(found, loops)
    everyone += [*others, *endpoints.by_name(found)]
    own_servers = [end for end in endpoints.select(everyone, servers, "--server") if end.server_command]
    own_clients = [end for end in endpoints.select(everyone, clients, "--client") if end.client_command]
    for option, own in (("--server", own_servers), ("--client", own_clients)):
        if not own:
            raise CannotCompare(f"{option}: none of these has a {option[2:]} command; give one with {option}-command")
    if reference is not None and len(reference) > 2:
        raise CannotCompare("--reference takes one pairing: give SERVER, or SERVER,CLIENT")
    # An implementation alone stands for itself on the first loop.
    server, client = own_servers[0], own_clients[0]
    if reference is not None:
        server = endpoints.select(own_servers, reference[:1], "--reference")[0]
        client = endpoints.select(own_clients, reference[-1:], "--reference")[0]
    return Selection(tuple(found), tuple(own_servers), tuple(own_clients), Pairing(server, client), tuple(notes))


def trials(scenarios: Sequence[str], transports: Sequence[str] | None) -> list[Trial]:
    """What to run for the scenarios and transports that the user named; `all` stands for every one. Without
    `transports` each scenario runs over its own. Raises CannotCompare where a name is unknown."""
    named = _named(scenarios, SCENARIOS, "--scenario")
    over = None if transports is None else _named(transports, TRANSPORTS, "--transport")
    found = []
    for scenario in named:
        for transport in over or [TRANSPORTS[scenario.transports[0]]]:
            skipped = missing(transport) or too_few_files(scenario)
            if transport.name not in scenario.transports:
                skipped = f"there is no {scenario.name} over {transport.name}, only {', '.join(scenario.transports)}"
            found.append(Trial(scenario, transport, skipped))
    return found


def _named(names: Sequence[str], known: Mapping[str, Named], option: str) -> list[Named]:
    for name in names:
        if name not in known and name != ALL:
            raise CannotCompare(f"{option} {name!r} is unknown{unknown(name, (ALL, *known), '--list')}")
    return list(known.values()) if ALL in names else [known[name] for name in dict.fromkeys(names)]


# --- Options ---


class _OfEndpoint(argparse.Action):
    """`--endpoint` names one; the options after it are its commands, and where its server listens."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        if self.dest == "endpoint":
            options.endpoint = [*options.endpoint, {"name": value, "server_command": None, "client_command": None}]
        elif not options.endpoint:
            parser.error(f"{option} belongs to an endpoint; give --endpoint NAME before it")
        else:
            options.endpoint[-1][self.dest] = value


def add_selection(parser: argparse.ArgumentParser, reference: str) -> None:
    """Give a parser the options that say who takes part; `reference` is how `--reference` is written."""
    add = parser.add_argument
    names = "comma-separated: streams, protocol/uvloop, uvloop, ..."
    add("--server", type=comma_separated, metavar="NAME", help=f"only these servers; {names}")
    add("--client", type=comma_separated, metavar="NAME", help="only these clients, named alike")
    add("--loop", type=comma_separated, metavar="NAME", help=LOOP_HELP)
    add("--python", type=comma_separated, metavar="PATH", default=(), help="interpreters to run the endpoints with")
    add("--reference", type=comma_separated, metavar=reference, help="what the others are held against (the first)")
    add("--endpoint", action=_OfEndpoint, metavar="NAME", default=[], help="any other program, by its commands:")
    for option in ("--server-command", "--client-command"):
        add(option, action=_OfEndpoint, metavar="COMMAND", help="with {host} and {port} where it takes them")
    add("--server-address", action=_OfEndpoint, metavar="HOST:PORT", help="where a server without {port} listens")


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
    names = ("server", "client", "loop", "python", "reference")
    given = [(name, ",".join(getattr(options, name) or ())) for name in names]
    for endpoint in options.endpoint:
        given += [("endpoint" if name == "name" else name.replace("_", "-"), value) for name, value in endpoint.items()]
    typed: list[str] = []
    for name, value in given:
        if value:  # one that begins with a dash would be taken for an option
            typed += [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
    return dataclasses.replace(selection, options=tuple(typed))
