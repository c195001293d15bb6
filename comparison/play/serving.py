"""Start a server and wait until it accepts connections."""

import contextlib
import dataclasses
import re
import socket
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from comparison.model import Endpoint, Log, Scenario, Transport
from comparison.play.machine import Skip, out_of
from comparison.play.processes import Launcher, Process
from comparison.play.transports import HOSTS, not_supported, server_command
from comparison.transcript import parse_line

READY_S = 30.0  # for a server to accept connections. It takes 0.2 s; the rest is for a machine that is busy
LOOK_S = 0.05  # how often it is tried whether a server that says nothing accepts connections

# A server's process, its port (0 where it has none), and the port of a connection that tried whether it is there.
Started = tuple[Process, int, int | None]


class NotReady(Exception):
    """A server did not come to accept connections: its log says why. Or it could not be started at all."""

    def __init__(self, log: Log, lacking: str | None = None) -> None:
        super().__init__(log.trouble)
        self.log = log
        self.lacking = lacking  # why none could be started: what this machine is out of, or who is there


def serve(launcher: Launcher, scenario: Scenario, transport: Transport, server: Endpoint, folder: Path) -> Started:
    """Start the server of a scenario. Raises NotReady, and Skip where it is not to blame or does not support it."""
    host = HOSTS.get(transport.name, "localhost") if transport.name != "unix" else ""
    command = partial(server_command, scenario, transport, server, folder)
    says, address = server.takes_options, server.server_address
    try:
        return start(launcher, command, host, says=says, address=address, label=server.label)
    except NotReady as error:
        if (why := error.lacking or not_supported(server, error.log)) is not None:
            raise Skip(why) from None
        raise


def start(
    launcher: Launcher,
    make_command: Callable[[int], Sequence[str]],
    host: str,
    *,
    says: bool,
    address: tuple[str, int] | None = None,
    label: str = "the server",
    cores: Collection[int] | None = None,
) -> Started:
    """Start a server, and wait until it accepts connections. One that `says` so, by the line of the contract, gets port
    0 and tells which it has, if there is a `host`. Any other is told a port, or has an `address` of its own, and is
    tried until it can be connected to, or says that it is ready. Raises NotReady."""
    place, port = address or (host, 0 if says else free_port(host))
    if address is not None:
        with contextlib.suppress(OSError), socket.create_connection(address, READY_S):
            taken = f"somebody else listens on {place} port {port}, where it always does; end that first"
            raise NotReady(Log((), (), None, f"was not started: {taken}"), f"{label}: {taken}")
    command = tuple(make_command(port))
    try:
        process = launcher.start(command, cores=cores)
    except OSError as error:
        raise NotReady(Log(command, (), None, f"cannot be started ({error})", fate="absent"), out_of(error)) from None
    if not says:
        return process, port, _tried(process, (place, port))
    ready = process.search(_is_ready)(READY_S)
    if ready is None:
        raise _not_ready(process)
    told = re.search(r"port (\d{1,5})$", parse_line(ready).message)
    if told is None and host:
        raise _not_ready(process, "did not say its port")
    return process, int(told[1]) if told is not None else 0, None


def free_port(host: str) -> int:
    """A port on which nobody listens now."""
    family, *_ = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.create_server((host, 0), family=family) as sock:
        return int(sock.getsockname()[1])


def _tried(process: Process, address: tuple[str, int]) -> int | None:
    """Wait until a server is ready: the port of the connection that has found it so, if one has. Raises NotReady."""
    end_s = time.monotonic() + READY_S
    ready = process.search(_is_ready)
    while time.monotonic() < end_s and not process.output_is_over:
        if ready(LOOK_S) is not None:
            return None
        with contextlib.suppress(OSError), socket.create_connection(address, READY_S) as attempt:
            return int(attempt.getsockname()[1])
    raise _not_ready(process)


def _is_ready(line: str) -> bool:
    return parse_line(line).name == "starting"


def _not_ready(process: Process, trouble: str | None = None) -> NotReady:
    trouble = trouble or ("ended before it was ready" if process.output_is_over else f"was not ready in {READY_S:g} s")
    return NotReady(dataclasses.replace(process.stop(), trouble=trouble, fate="absent", peak_bytes=None))
