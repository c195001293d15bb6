"""Start a server and wait until it accepts connections."""

import contextlib
import dataclasses
import re
import socket
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from comparison.model import Endpoint, Log, Scenario, Transport
from comparison.play.machine import Skip, out_of
from comparison.play.processes import Launcher, Process
from comparison.play.transports import HOSTS, filled, not_supported, server_command
from comparison.transcript import parse_line

READY_S = 30.0  # for a server to accept connections. It takes 0.2 s; the rest is for a machine that is busy
LOOK_S = 0.05  # how often it is tried whether a server that says nothing accepts connections

Started = tuple[Process, tuple[str, int]]  # a server, and the host and port at which it is reached, if by one


class NotReady(Exception):
    """A server did not come to accept connections: its log says why. Or an endpoint could not be started at all."""

    def __init__(self, log: Log, lacking: str | None = None) -> None:
        super().__init__(log.trouble)
        self.log = log
        self.lacking = lacking  # why none could be started: what this machine is out of, or who is there


def serve(launcher: Launcher, scenario: Scenario, transport: Transport, server: Endpoint, folder: Path) -> Started:
    """Start the server of a scenario. Raises NotReady, and Skip where it is not to blame or does not support it."""
    host = HOSTS.get(transport.name, "localhost") if transport.name != "unix" else ""
    command = server_command(scenario, transport, server, folder)
    try:
        return start(launcher, command, host, says=server.takes_options, address=server.server_address)
    except NotReady as error:
        if (why := error.lacking or not_supported(server, error.log)) is not None:
            raise Skip(why) from None
        raise


def start(
    launcher: Launcher,
    command: Iterable[str],
    host: str,
    *,
    says: bool,
    address: tuple[str, int] | None = None,
    cores: Collection[int] | None = None,
) -> Started:
    """Start a server, and wait until it accepts connections; its command may hold `{host}` and `{port}`. One that
    `says` so, by the line of the contract, gets port 0 and tells which it has, if there is a `host`. Any other is told
    a port, or has an `address` of its own, and is tried until it can be connected to, or says that it is ready. Raises
    NotReady."""
    place, port = address or (host, 0 if says else free_port(host))
    if address is not None:
        with contextlib.suppress(OSError), socket.create_connection(address, READY_S):
            taken = f"somebody else listens on {place} port {port}, where this server always does; end that first"
            raise NotReady(Log((), (), None, f"was not started: {taken}"), taken)
    command = filled(command, host=place, port=port)
    process = launched(launcher, command, cores=cores)
    ready, end_s = process.search(lambda line: parse_line(line).name == "starting"), time.monotonic() + READY_S
    while (line := ready(READY_S if says else LOOK_S)) is None:
        if says or process.output_is_over or time.monotonic() > end_s:
            why = "ended before it was ready" if process.output_is_over else f"was not ready in {READY_S:g} s"
            raise _not_ready(process, why)
        with contextlib.suppress(OSError), socket.create_connection((place, port), READY_S) as attempt:
            process.tried_from = attempt.getsockname()[1]
            return process, (place, port)
    told = re.search(r"port (\d{1,5})$", parse_line(line).message) if says else None
    if says and host and told is None:
        raise _not_ready(process, "did not say its port")
    return process, (place, int(told[1]) if told is not None else port)


def launched(
    launcher: Launcher, command: Sequence[str], payload: Path | None = None, cores: Collection[int] | None = None
) -> Process:
    """Start the command of an endpoint. Raises NotReady where the program cannot be run."""
    try:
        return launcher.start(command, stdin=payload, cores=cores)
    except OSError as error:
        log = Log(tuple(command), (), None, f"cannot be started ({error})", fate="absent")
        raise NotReady(log, out_of(error)) from None


def free_port(host: str) -> int:
    """A port on which nobody listens now."""
    family, *_ = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.create_server((host, 0), family=family) as sock:
        return int(sock.getsockname()[1])


def _not_ready(process: Process, trouble: str) -> NotReady:
    return NotReady(dataclasses.replace(process.stop(), trouble=trouble, fate="absent", peak_bytes=None))
