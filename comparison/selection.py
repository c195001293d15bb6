"""Who takes part, in what, and on which host: chosen by name, and the options of a command line that choose."""

import argparse
import dataclasses
import itertools
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from comparison import endpoints
from comparison.model import RAW, SIDES, CannotCompare, Endpoint, Interpreter, Pairing, Scenario, Transport
from comparison.options import LOOP_HELP, comma_separated, unknown, words
from comparison.play.machine import too_few_files
from comparison.play.transports import TCP, TRANSPORTS, missing
from comparison.scenarios import SCENARIOS

ALL = "all"
FAR = (sys.executable, "-m", "comparison.play.far")
EXPOSED = "exposed"  # what a server says that others can reach, as is wanted on another host
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
    others: Sequence[Endpoint] = (),
    there: Callable[[Endpoint], Endpoint] | None = None,
    servers: Sequence[str] | None = None,
    clients: Sequence[str] | None = None,
    loops: Sequence[str] | None = None,
    pythons: Sequence[str] = (),
    reference: Sequence[str] = (),
) -> Selection:
    """Find out what this machine can run, and pick from it and from `others`; `there` has them run on another host.
    Raises CannotCompare."""
    found = endpoints.interpreters(pythons, loops)
    everyone, notes = endpoints.available(found, loops)
    everyone += others
    if there is not None:
        everyone = list(map(there, everyone))
        notes.append("how much memory programs take is not looked at: they run on another host")
    own_servers = [end for end in endpoints.select(everyone, servers, "--server") if end.server_command]
    own_clients = [end for end in endpoints.select(everyone, clients, "--client") if end.client_command]
    for option, own in (("--server", own_servers), ("--client", own_clients)):
        if not own:
            raise CannotCompare(f"{option}: none of these has a {option[2:]} command; give one with {option}-command")
    if len(reference) > 2:
        raise CannotCompare("--reference takes one pairing: give SERVER, or SERVER,CLIENT")
    # An implementation alone stands for itself on the first loop.
    server, *_ = endpoints.select(own_servers, reference[:1], "--reference") if reference else own_servers
    client, *_ = endpoints.select(own_clients, reference[-1:], "--reference") if reference else own_clients
    return Selection(tuple(found), tuple(own_servers), tuple(own_clients), Pairing(server, client), tuple(notes))


def elsewhere(server_on: str | None, client_on: str | None, address: str | None) -> Callable[[Endpoint], Endpoint]:
    """What puts an endpoint behind the prefixes that run a command on another host, from where servers are found by
    their `address`. Raises CannotCompare."""
    if address is None:
        need = "--server-on and --client-on need --server-host ADDRESS"
        raise CannotCompare(f"{need}: where the server is found from there")
    for option, prefix in (("--server-on", server_on), ("--client-on", client_on)):
        if prefix is not None and shutil.which(next(iter(words(option, prefix)), "")) is None:
            raise CannotCompare(f"{option} {prefix!r}: it begins with no program of this host, such as ssh; name one")

    def there(end: Endpoint) -> Endpoint:
        own = (server_on, end.server_command), (client_on, end.client_command)
        server, client = ((*FAR, on, *command) if on is not None and command else command for on, command in own)
        return dataclasses.replace(end, server_command=server, client_command=client)

    return there


def trials(scenarios: Sequence[str], transports: Sequence[str] | None, address: str | None = None) -> list[Trial]:
    """What to run for the scenarios and transports that the user named; `all` stands for every one. Without
    `transports` each scenario runs over its own; with an `address` over TCP to it, and what cannot be had there is
    skipped. Raises CannotCompare where a name is unknown."""
    named = _named(scenarios, SCENARIOS, "--scenario")
    over = None if transports is None else _named(transports, TRANSPORTS, "--transport")
    found = []
    for scenario in named:
        for transport in over or [TRANSPORTS[scenario.transports[0]]]:
            skipped = missing(transport) or too_few_files(scenario.connections)
            if transport.name not in scenario.transports:
                skipped = f"there is no {scenario.name} over {transport.name}, only {', '.join(scenario.transports)}"
            found.append(Trial(scenario, transport, skipped))
    return found if address is None else [_over_there(trial, address) for trial in found]


def _over_there(trial: Trial, address: str) -> Trial:
    scenario, transport = trial.scenario, trial.transport
    if scenario.script is not None:
        return dataclasses.replace(trial, skipped="the engine plays one side itself, with sockets of this host")
    if transport != TCP:
        return dataclasses.replace(trial, skipped=f"what {transport.name} needs is on this host only; choose tcp")
    server, client = (("--host", address, *options) for options in (TCP.server_options, TCP.client_options))
    there = Transport(TCP.name, f"TCP to {address}", server, client, is_far=True)
    expects = dataclasses.replace(scenario.expects, memory_mib=None, warnings=(*scenario.expects.warnings, EXPOSED))
    return Trial(dataclasses.replace(scenario, expects=expects), there, trial.skipped)


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
    add("--reference", type=comma_separated, metavar=reference, default=(), help="what others are held against (first)")
    add("--endpoint", action=_OfEndpoint, metavar="NAME", default=[], help="any other program, by its commands:")
    for option in ("--server-command", "--client-command"):
        add(option, action=_OfEndpoint, metavar="COMMAND", help="with {host} and {port} where it takes them")
    add("--server-address", action=_OfEndpoint, metavar="HOST:PORT", help="where a server without {port} listens")


def add_hosts(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of two hosts."""
    for side in SIDES:
        there = f"run the {side}s there: 'ssh HOST {{command}}', 'ip netns exec NAME', 'docker exec -i NAME'"
        parser.add_argument(f"--{side}-on", metavar="PREFIX", help=there)
    parser.add_argument("--server-host", metavar="ADDRESS", help="where the servers listen and are found (localhost)")


def chosen(options: argparse.Namespace) -> Selection:
    """Who takes part by these options. Raises CannotCompare."""
    names = {name: getattr(options, name) for name in ("server", "client", "loop", "python", "reference")}
    hosts = {name: getattr(options, name, None) for name in ("server_on", "client_on", "server_host")}
    there = elsewhere(*hosts.values()) if any(value is not None for value in hosts.values()) else None
    selection = choose([endpoints.third_party(**fields) for fields in options.endpoint], there, *names.values())
    given = [(name, ",".join(value or ())) for name, value in names.items()]
    for endpoint in options.endpoint:
        given += [("endpoint" if name == "name" else name, value) for name, value in endpoint.items()]
    typed: list[str] = []
    for name, value in (*given, *hosts.items()):
        if value:  # one that begins with a dash would be taken for an option
            option = f"--{name.replace('_', '-')}"
            typed += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return dataclasses.replace(selection, options=tuple(typed))
