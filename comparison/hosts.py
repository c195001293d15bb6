"""A server and a client on two hosts: behind prefixes that run a command there, at an address that both know."""

import argparse
import dataclasses
import shlex
import shutil
import sys
from collections.abc import Sequence

from comparison.model import CannotCompare, Endpoint, Transport
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
        if prefix is not None:
            _check(option, prefix)

    def there(endpoint: Endpoint) -> Endpoint:
        return dataclasses.replace(
            endpoint,
            server_command=_behind(options.server_on, endpoint.server_command),
            client_command=_behind(options.client_on, endpoint.client_command),
        )

    typed = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    return dataclasses.replace(
        selection,
        servers=tuple(map(there, selection.servers)),
        clients=tuple(map(there, selection.clients)),
        reference=dataclasses.replace(
            selection.reference, server=there(selection.reference.server), client=there(selection.reference.client)
        ),
        notes=(*selection.notes, "how much memory programs take is not looked at: they run on another host"),
        options=(*selection.options, *typed),
    )


def over(trials: Sequence[Trial], address: str | None) -> list[Trial]:
    """What is tried, over TCP to that address; what cannot be had there is skipped with its reason."""
    return [_over(trial, address) for trial in trials] if address is not None else list(trials)


def _over(trial: Trial, address: str) -> Trial:
    scenario, transport = trial.scenario, trial.transport
    if scenario.script is not None:
        return dataclasses.replace(trial, skipped="the engine plays one side itself, with sockets of this host")
    if transport != TCP:
        return dataclasses.replace(trial, skipped=f"what {transport.name} needs is on this host only; choose tcp")
    there = Transport(
        TCP.name,
        f"TCP to {address}",
        ("--host", address, *TCP.server_options),
        ("--host", address, *TCP.client_options),
        is_far=True,
    )
    expects = dataclasses.replace(scenario.expects, memory_mib=None, warnings=(*scenario.expects.warnings, EXPOSED))
    return Trial(dataclasses.replace(scenario, expects=expects), there, trial.skipped)


def _behind(prefix: str | None, command: tuple[str, ...]) -> tuple[str, ...]:
    return (*FAR, prefix, *command) if prefix is not None and command else command


def _check(option: str, prefix: str) -> None:
    try:
        words = shlex.split(prefix)
    except ValueError as error:
        raise CannotCompare(f"{option} {prefix!r}: {str(error).lower()}; quote it as for a shell") from None
    if not words or shutil.which(words[0]) is None:
        raise CannotCompare(f"{option} {prefix!r}: it begins with no program of this host, such as ssh; name one")
