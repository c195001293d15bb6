"""Who takes part, in what: chosen by name, and the options of a command line that choose."""

import argparse
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from comparison import endpoints
from comparison.model import RAW, CannotCompare, Endpoint, Interpreter, Pairing, Scenario, Transport
from comparison.options import LOOP_HELP, comma_separated, unknown
from comparison.play.machine import too_few_files
from comparison.play.transports import TRANSPORTS, missing
from comparison.scenarios import SCENARIOS


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
        servers = self.servers if "server" in scenario.on_trial else (RAW,)
        clients = self.clients if "client" in scenario.on_trial else (RAW,)
        return [Pairing(server, client) for server in servers for client in clients]

    def reference_of(self, scenario: Scenario) -> Pairing:
        server = self.reference.server if "server" in scenario.on_trial else RAW
        client = self.reference.client if "client" in scenario.on_trial else RAW
        return Pairing(server, client)


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
    chosen_servers = [e for e in endpoints.select(everyone, servers, "--server") if e.server_command]
    chosen_clients = [e for e in endpoints.select(everyone, clients, "--client") if e.client_command]
    for option, chosen in (("--server", chosen_servers), ("--client", chosen_clients)):
        if not chosen:
            raise CannotCompare(f"{option}: none of these has a {option[2:]} command; give one with {option}-command")
    if reference is None:
        held_against = Pairing(chosen_servers[0], chosen_clients[0])
    else:
        if len(reference) > 2:
            raise CannotCompare("--reference takes one pairing: give SERVER, or SERVER,CLIENT")
        # An implementation alone stands for itself on the first loop.
        server = endpoints.select(chosen_servers, reference[:1], "--reference")[0]
        client = endpoints.select(chosen_clients, reference[-1:], "--reference")[0]
        held_against = Pairing(server, client)
    return Selection(tuple(found), tuple(chosen_servers), tuple(chosen_clients), held_against, tuple(notes))


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


Named = TypeVar("Named")
ALL = "all"


def _named(names: Sequence[str], known: Mapping[str, Named], option: str) -> list[Named]:
    for name in names:
        if name not in known and name != ALL:
            raise CannotCompare(f"{option} {name!r} is unknown{unknown(name, (ALL, *known), '--list')}")
    return list(known.values()) if ALL in names else [known[name] for name in dict.fromkeys(names)]


# --- Options ---


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
    add("--loop", type=comma_separated, metavar="NAME", help=LOOP_HELP)
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
    names = ("server", "client", "loop", "python", "reference")
    given = [(name, ",".join(getattr(options, name) or ())) for name in names]
    for endpoint in options.endpoint:
        given += [("endpoint" if name == "name" else name.replace("_", "-"), value) for name, value in endpoint.items()]
    for name, value in given:
        if value:  # one that begins with a dash would be taken for an option
            yield from [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
