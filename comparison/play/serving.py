"""Start a server and wait until it accepts connections."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from comparison.model import Endpoint, Log, Scenario, Transport
from comparison.play.commands import HOSTS, server_command
from comparison.play.machine import out_of
from comparison.play.processes import Launcher, Process
from comparison.transcript import parse_line

READY_S = 30.0
"""What a server gets to accept connections. It takes 0.2 s; the rest is for a machine that is busy."""

LOOK_S = 0.05
"""How often it is tried whether a server that says nothing accepts connections."""


class AddressTaken(Exception):
    """Somebody else listens where a server always does."""


_one = threading.Lock()


def alone(server: Endpoint) -> contextlib.AbstractContextManager[object]:
    """To be held from the start of a server to its end: of those that choose their address only one runs at a time."""
    return contextlib.nullcontext() if server.server_address is None else _one


class NotReady(Exception):
    """A server did not come to accept connections: its log says why. Or it could not be started at all."""

    def __init__(self, log: Log, lacking: str | None = None) -> None:
        super().__init__(log.trouble)
        self.log = log
        self.lacking = lacking
        """What this machine is out of, where it is that which keeps any program from being started."""


def serve(
    launcher: Launcher, scenario: Scenario, transport: Transport, server: Endpoint, folder: Path
) -> tuple[Process, int, int | None]:
    """Start the server of a scenario: its process, its port, and the port of a connection that tried whether it is
    there. Raises NotReady, and AddressTaken."""

    def command(port: int) -> tuple[str, ...]:
        return server_command(scenario, transport, server, folder, port)

    if not server.takes_options:
        return start_silent_server(launcher, command, HOSTS[transport.name], address=server.server_address)
    needs_port = any("{port}" in option for option in transport.client_options)
    return *start_server(launcher, command(0), needs_port=needs_port), None


def start_server(
    launcher: Launcher, command: Sequence[str], *, needs_port: bool = True, cores: Collection[int] | None = None
) -> tuple[Process, int]:
    """Start a server that says when it is ready, by the line of the contract; the port that it tells, 0 where it has
    none. Raises NotReady."""
    process = _start(launcher, command, cores)
    ready = process.wait_for_line(lambda line: parse_line(line).name == "starting", READY_S)
    found = re.search(r"port (\d{1,5})$", parse_line(ready).message) if ready is not None else None
    if ready is None or (needs_port and found is None):
        raise _not_ready(process, None if ready is None else "did not say its port")
    return process, int(found[1]) if found is not None else 0


def start_silent_server(
    launcher: Launcher,
    make_command: Callable[[int], Sequence[str]],
    host: str,
    *,
    address: tuple[str, int] | None = None,
    cores: Collection[int] | None = None,
) -> tuple[Process, int, int | None]:
    """Start a server that is told its port, or has an `address` of its own, and wait until it says that it is ready, or
    else until it can be connected to. The process, the port, and the port of the connection that tried it. Raises
    NotReady, and AddressTaken."""
    host, port = address or (host, free_port(host))
    if address is not None:
        with contextlib.suppress(OSError), socket.create_connection(address, READY_S):
            raise AddressTaken(f"somebody else listens on {host} port {port}, where it always does; end that first")
    process = _start(launcher, make_command(port), cores)
    end_s = time.monotonic() + READY_S
    ready = process.search(lambda line: parse_line(line).name == "starting")
    while time.monotonic() < end_s and not process.output_is_over:
        if ready(LOOK_S) is not None:
            return process, port, None
        try:
            with socket.create_connection((host, port), READY_S) as attempt:
                return process, port, attempt.getsockname()[1]
        except OSError:
            continue
    raise _not_ready(process)


def free_port(host: str) -> int:
    """A port on which nobody listens now."""
    family = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port


def _start(launcher: Launcher, command: Sequence[str], cores: Collection[int] | None) -> Process:
    try:
        return launcher.start(command, cores=cores)
    except OSError as error:
        raise NotReady(Log(tuple(command), (), None, f"cannot be started ({error})"), out_of(error)) from None


def _not_ready(process: Process, trouble: str | None = None) -> NotReady:
    # Its output is over where the program is, though its exit code may take a moment longer.
    trouble = trouble or ("ended before it was ready" if process.output_is_over else f"was not ready in {READY_S:g} s")
    log = process.stop()
    return NotReady(Log(log.command, log.lines, log.exit_code, trouble))
