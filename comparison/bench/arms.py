"""Who is measured: the endpoints of the comparison, and arms that put them in proportion."""

import dataclasses
from collections.abc import Iterable, Sequence

from comparison.bench.plan import Arm
from comparison.model import FACTORS, Endpoint

HOST = "127.0.0.1"
"""Not a name: one family, one listening socket, and no resolver in what is measured."""

PROPORTIONS = {
    "buffered": "comparison.bench.servers.buffered",
    "sockets": "comparison.bench.servers.sockets",
}
"""Servers that no endpoint is, each the shortest of its kind: name -> the module to run."""

MEANINGS = {
    "buffered": "an echo with BufferedProtocol and nothing else: no log, no limits",
    "sockets": "an echo with loop.sock_recv() and sock_sendall(), and nothing else",
}

QUIET = ("--log-level", "info")
NOISY = ("--log-level", "debug")
DEBUG_SUFFIX = ", debug logs"


def of_endpoints(endpoints: Iterable[Endpoint]) -> list[Arm]:
    """An arm for the server of each endpoint, with its logs at info."""
    return [_arm(endpoint, QUIET) for endpoint in endpoints]


def with_debug_logs(endpoint: Endpoint) -> Arm | None:
    """The arm that shows what debug logs cost; None for an endpoint that does not take our options."""
    if not endpoint.takes_options:
        return None
    arm = _arm(endpoint, NOISY)
    return dataclasses.replace(arm, label=arm.label + DEBUG_SUFFIX, factors={})


def proportions(endpoints: Sequence[Endpoint]) -> list[Arm]:
    """The servers of the benchmark itself, on the loop and the interpreter of the first endpoint that has both."""
    like = next((endpoint for endpoint in endpoints if endpoint.loop != "none" and endpoint.python != "none"), None)
    if like is None:
        return []
    python = like.server_command[0]  # a command that has a Python begins with it
    return [
        Arm(f"{name}/{like.loop}", (python, "-m", module, "--loop", like.loop)) for name, module in PROPORTIONS.items()
    ]


def of_pairings(servers: Iterable[Endpoint], clients: Sequence[Endpoint]) -> list[Arm]:
    """An arm for every server with every client."""
    return [
        dataclasses.replace(
            _arm(server, QUIET),
            label=f"{server.label} -> {client.label}",
            client_command=(*client.client_command, *(QUIET if client.takes_options else ())),
            factors={
                **{f"server {factor}": server.level(factor) for factor in FACTORS},
                **{f"client {factor}": client.level(factor) for factor in FACTORS},
            },
        )
        for server in servers
        for client in clients
    ]


def takes_no_options(command: Sequence[str]) -> bool:
    """Whether a command is started as it stands, but for its placeholders."""
    return any("{port}" in word for word in command)


def where(arm: Arm, port: int) -> tuple[str, int]:
    """At which host and port the server of an arm is reached; `port` is for one that is told."""
    return arm.server_address or (HOST, port)


def filled(command: Iterable[str], host: str, port: int) -> list[str]:
    """A command with its placeholders filled in."""
    return [word.replace("{host}", host).replace("{port}", str(port)) for word in command]


def located(command: Sequence[str], host: str, port: int) -> list[str]:
    """A command with the address that it is for."""
    if takes_no_options(command):
        return filled(command, host, port)
    return [*command, "--host", host, "--port", str(port)]


def _arm(endpoint: Endpoint, log_options: tuple[str, ...]) -> Arm:
    factors = {factor: endpoint.level(factor) for factor in FACTORS}
    command = (*endpoint.server_command, *log_options) if endpoint.takes_options else endpoint.server_command
    return Arm(endpoint.label, command, factors=factors, server_address=endpoint.server_address)
