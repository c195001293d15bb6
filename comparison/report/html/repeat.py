"""The commands that repeat a pairing, as a person would type them."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common.config import PORT
from comparison.commands import client_command, server_command
from comparison.model import RAW, SIDES, Cell, Comparison, Endpoint, Pairing, Transport
from comparison.report import words
from comparison.scenarios import SCENARIOS
from comparison.transports import TRANSPORTS, needs_certificates

SAVED = Path("saved")
"""Where the first command leaves what the other two refer to: the bytes to send, and certificates."""


@dataclass(frozen=True)
class Command:
    """A command with what it is good for."""

    title: str
    text: str


def compare(comparison: Comparison, pairing: Pairing | None = None, more: str = "") -> str:
    """The command that compares again: one pairing, or all of them."""
    ends = [pairing.server, pairing.client] if pairing is not None else comparison.endpoints
    return f"python3 compare.py{words.how_to_repeat(comparison, pairing)}{_who(comparison, ends)}{more}"


def commands(comparison: Comparison, cell: Cell) -> list[Command]:
    """All of it through compare.py, and the server and the client by hand; of a side that the engine plays itself
    there is none."""
    pairing, first = cell.pairing, "Both, with verdict and logs"
    if not cell.runs:
        return [Command(first, compare(comparison, pairing, " --raw"))]
    server, client = _by_hand(comparison, cell)
    if str(SAVED) in f"{server} {client}":
        found = [Command(f"{first}; it leaves in {SAVED}/ what the others need", _saving(comparison, pairing))]
    else:
        found = [Command(first, compare(comparison, pairing, " --raw"))]
    how = ", as it was run" if RAW in (pairing.server, pairing.client) else ""
    if pairing.server != RAW:
        found.append(Command(f"The server{how}", server))
    if pairing.client != RAW:
        found.append(Command(f"The client{how}", client))
    return found


def _saving(comparison: Comparison, pairing: Pairing) -> str:
    return compare(comparison, pairing, f" --raw --save {SAVED}")


def _by_hand(comparison: Comparison, cell: Cell) -> list[str]:
    """The commands of the two sides; where the engine plays one or does not know the scenario, as they were run."""
    scenario, transport = SCENARIOS.get(comparison.scenario.name), TRANSPORTS.get(comparison.transport.name)
    pairing = cell.pairing
    if scenario is None or transport is None or RAW in (pairing.server, pairing.client):
        return [_typed(cell.runs[0].log(side).command) for side in SIDES]
    place = _place(comparison.scenario.name, transport)
    serve = server_command(scenario, transport, pairing.server, place, PORT)
    connect = client_command(scenario, transport, pairing, place, PORT)
    return [_typed(serve).replace("--port 0", f"--port {PORT}"), _typed(connect)]


def _place(scenario: str, transport: Transport) -> Path:
    return SAVED / f"{scenario}-{transport.name}"


def _typed(command: Iterable[str]) -> str:
    return shlex.join(command).replace(" --log-format json", "")


def _who(comparison: Comparison, ends: Iterable[Endpoint]) -> str:
    """The options without which compare.py would not know these endpoints."""
    text = ""
    if any(end.python in end.label.split("/") for end in comparison.endpoints if end.takes_options):
        pythons = dict.fromkeys(end.server_command[0] for end in comparison.endpoints if end.takes_options)
        text += f" --python {shlex.quote(','.join(pythons))}"
    for end in dict.fromkeys(ends):
        if not end.takes_options:
            text += f" --endpoint {shlex.quote(end.implementation)}"
            for option, command in (("server", end.server_command), ("client", end.client_command)):
                text += f" --{option}-command {shlex.quote(shlex.join(command))}" if command else ""
    return text


def half_closes(transport: Transport) -> bool:
    """Whether one side can say that it has sent everything and still receive: TLS cannot."""
    known = TRANSPORTS.get(transport.name)
    return known is None or not needs_certificates(known)
