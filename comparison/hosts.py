"""A server and a client on two hosts: behind prefixes that run a command there, at an address that both know."""

import argparse
import dataclasses
import shutil
import sys
from collections.abc import Sequence

from comparison.model import CannotCompare, Endpoint, Pairing, Transport
from comparison.options import words
from comparison.play.transports import TCP
from comparison.selection import Selection, Trial

FAR = (sys.executable, "-m", "comparison.play.far")
OPTIONS = ("server_on", "client_on", "server_host")

EXPOSED = "exposed"
"""What a server says that others can reach, as is wanted here."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of two hosts."""
    there = "run the %s there: 'ssh HOST {command}', 'ip netns exec NAME', 'docker exec -i NAME'"
    parser.add_argument("--server-on", metavar="PREFIX", help=there % "servers")
    parser.add_argument("--client-on", metavar="PREFIX", help=there % "clients")
    parser.add_argument("--server-host", metavar="ADDRESS", help="where the servers listen and are found (localhost)")


def elsewhere(selection: Selection, options: argparse.Namespace) -> Selection:
    """Who takes part, each on its host. Raises CannotCompare."""
    given = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    if not given:
        return selection
    if options.server_host is None:
        raise CannotCompare(
            "--server-on and --client-on need --server-host ADDRESS: where the server is found from there"
        )
    for option, prefix in (("--server-on", options.server_on), ("--client-on", options.client_on)):
        if prefix is not None and shutil.which(next(iter(words(option, prefix)), "")) is None:
            raise CannotCompare(f"{option} {prefix!r}: it begins with no program of this host, such as ssh; name one")

    def behind(prefix: str | None, command: tuple[str, ...]) -> tuple[str, ...]:
        return (*FAR, prefix, *command) if prefix is not None and command else command

    def there(end: Endpoint) -> Endpoint:
        server, client = behind(options.server_on, end.server_command), behind(options.client_on, end.client_command)
        return dataclasses.replace(end, server_command=server, client_command=client)

    typed = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    return dataclasses.replace(
        selection,
        servers=tuple(map(there, selection.servers)),
        clients=tuple(map(there, selection.clients)),
        reference=Pairing(there(selection.reference.server), there(selection.reference.client)),
        notes=(*selection.notes, "how much memory programs take is not looked at: they run on another host"),
        options=(*selection.options, *typed),
    )


def over(trials: Sequence[Trial], address: str | None) -> list[Trial]:
    """What is tried, over TCP to that address; what cannot be had there is skipped with its reason."""
    if address is None:
        return list(trials)
    server, client = (("--host", address, *options) for options in (TCP.server_options, TCP.client_options))
    there = Transport(TCP.name, f"TCP to {address}", server, client, is_far=True)
    return [_over(trial, there) for trial in trials]


def _over(trial: Trial, there: Transport) -> Trial:
    scenario, transport = trial.scenario, trial.transport
    if scenario.script is not None:
        return dataclasses.replace(trial, skipped="the engine plays one side itself, with sockets of this host")
    if transport != TCP:
        return dataclasses.replace(trial, skipped=f"what {transport.name} needs is on this host only; choose tcp")
    expects = dataclasses.replace(scenario.expects, memory_mib=None, warnings=(*scenario.expects.warnings, EXPOSED))
    return Trial(dataclasses.replace(scenario, expects=expects), there, trial.skipped)
