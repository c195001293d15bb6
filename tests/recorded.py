"""A recorded matrix: the logs of every pairing of the tutorial as they come out, and runs made from them."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable

from comparison.judge.causes import Names
from comparison.judge.verdicts import judge, observe
from comparison.model import Cause, Cell, Endpoint, Group, Log, Pairing, Run, Scenario
from comparison.transcript import parse

PAYLOAD = b"This is the message. It will be sent in parts."
TUTORIAL = Scenario("tutorial", "the tutorial's three messages", PAYLOAD, shows=("eof-callback", "selector"))
PLAIN = dataclasses.replace(TUTORIAL, name="plain", shows=())
"""The same, where nothing has to be seen."""

Edit = Callable[[Pairing, str, list[str]], list[str]]


def endpoint(implementation: str, loop: str) -> Endpoint:
    """An endpoint that is only named."""
    label = f"{implementation}/{loop}"
    return Endpoint(implementation, loop, "3.12.1", label, ("serve", label), ("connect", label))


ENDPOINTS = [endpoint(*names) for names in itertools.product(("streams", "protocol"), ("asyncio", "uvloop"))]


def server_lines(server: Endpoint, port: int = 64624) -> list[str]:
    """What a server of this kind logs about one client that runs the tutorial."""
    lines = ["asyncio: Using selector: EpollSelector"] if server.loop == "asyncio" else []
    lines += [
        "main: starting up on localhost port 10000",
        f"echo_127.0.0.1_{port}: connection accepted",
        f"echo_127.0.0.1_{port}: received b'This is the message. It will be sent '",
        f"echo_127.0.0.1_{port}: sent b'This is the message. It will be sent '",
        f"echo_127.0.0.1_{port}: received b'in parts.'",
        f"echo_127.0.0.1_{port}: sent b'in parts.'",
    ]
    lines += [f"echo_127.0.0.1_{port}: received EOF"] if server.implementation == "protocol" else []
    return [*lines, f"echo_127.0.0.1_{port}: closing", "main: closing server", "main: closing event loop"]


def client_lines(client: Endpoint) -> list[str]:
    """What a client of this kind logs when it runs the tutorial."""
    lines = ["asyncio: Using selector: EpollSelector"] if client.loop == "asyncio" else []
    lines += [
        "echo_client: connecting to localhost port 10000",
        "echo_client: sending b'This is the message. '",
        "echo_client: sending b'It will be sent '",
        "echo_client: sending b'in parts.'",
        "echo_client: waiting for response",
        "echo_client: received b'This is the message. It will be sent in parts.'",
    ]
    lines += ["echo_client: received EOF"] if client.implementation == "protocol" else []
    return [*lines, "echo_client: closing", "main: closing event loop"]


def run(
    pairing: Pairing,
    server: Iterable[str],
    client: Iterable[str],
    *,
    number: int = 1,
    server_exit: int | None = 0,
    client_exit: int | None = 0,
    peak_bytes: int | None = None,
) -> Run:
    """A run whose two logs are these lines; `peak_bytes` is the memory that the server took."""
    served, sent = tuple(server), tuple(client)
    server_log = Log(pairing.server.server_command, served, server_exit, None, peak_bytes, events=parse(served))
    client_log = Log(pairing.client.client_command, sent, client_exit, events=parse(sent))
    return Run(pairing, number, server_log, client_log)


def matrix(edit: Edit = lambda pairing, side, lines: lines, *, repeat: int = 1) -> list[Run]:
    """Every pairing, `repeat` times, after `edit(pairing, side, lines)` had its way with each log."""
    runs = []
    for server, client in itertools.product(ENDPOINTS, ENDPOINTS):
        pairing = Pairing(server, client)
        for number in range(1, repeat + 1):
            served = edit(pairing, "server", server_lines(server))
            sent = edit(pairing, "client", client_lines(client))
            runs.append(run(pairing, served, sent, number=number))
    return runs


def judged(
    scenario: Scenario, runs: Iterable[Run], reference: Pairing, names: Names | None = None
) -> tuple[tuple[Cell, ...], tuple[Cause, ...], tuple[Group, ...]]:
    """The cells, the causes and the groups that come of runs."""
    return judge(scenario, [observe(scenario, run) for run in runs], reference, names)
