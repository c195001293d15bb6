"""Run every server with every client. One server process takes all of its clients, one after another, so that the
n-th connection is the n-th client's; servers run side by side, as many as `jobs`."""

import itertools
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from comparison.endpoints import ROOT
from comparison.model import Endpoint, Event, Log, Pairing, Run, Scenario, Transport
from comparison.processes import Closed, Launcher
from comparison.projection import connections
from comparison.scenarios import TCP, needs_certificates, write_certificates, write_payload
from comparison.transcript import parse, parse_line

READY_S = 30.0
"""What a server gets to say that it accepts connections. It takes 0.2 s; the rest is for a machine that is busy."""

AWAKE_S = 0.2

CLIENT_S = 60.0
"""What a client gets to finish."""


def run_all(
    scenario: Scenario,
    servers: Sequence[Endpoint],
    clients: Sequence[Endpoint],
    *,
    transport: Transport = TCP,
    repeat: int = 1,
    jobs: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> list[Run]:
    """Every server with every client, `repeat` times each; `tick` is called after each client, from any thread."""
    # On the way out, also after Ctrl-C, the launcher ends the processes before the pool waits for its threads.
    with (
        tempfile.TemporaryDirectory(prefix="compare-") as folder,
        ThreadPoolExecutor(jobs) as pool,
        Launcher(ROOT) as launcher,
    ):
        prepare(scenario, transport, Path(folder))
        futures = [
            pool.submit(_run_server, launcher, scenario, transport, Path(folder), server, clients, repeat, tick)
            for server in servers
        ]
        # Awake now and then, should the signal of Ctrl-C reach another thread: only this one acts on it.
        while wait(futures, AWAKE_S).not_done:
            pass
        return list(itertools.chain.from_iterable(future.result() for future in futures))


def prepare(scenario: Scenario, transport: Transport, folder: Path) -> None:
    """Put into `folder` what the commands of a scenario refer to: the file to send, and certificates."""
    if scenario.from_file:
        write_payload(scenario, folder / "payload")
    if needs_certificates(transport):
        write_certificates(folder)


def server_command(scenario: Scenario, transport: Transport, server: Endpoint, folder: Path) -> tuple[str, ...]:
    """The command of a server; `folder` is what `prepare` has filled."""
    return (*server.server_command, *_filled(transport.server_options, server, folder, 0), *scenario.server_options)


def client_command(
    scenario: Scenario, transport: Transport, pairing: Pairing, folder: Path, port: int
) -> tuple[str, ...]:
    """The command of a client, for a server that said it listens on `port` (0 where it has none)."""
    file = ("--file", str(folder / "payload")) if scenario.from_file else ()
    where = _filled(transport.client_options, pairing.server, folder, port)
    return (*pairing.client.client_command, *where, *file, *scenario.options)


def _filled(options: Iterable[str], server: Endpoint, folder: Path, port: int) -> tuple[str, ...]:
    # A socket for each server, under a name as short as the system wants it.
    socket = str(folder / f"{zlib.crc32(server.label.encode()):08x}")
    return tuple(option.format(port=port, socket=socket, certificates=folder) for option in options)


def _run_server(
    launcher: Launcher,
    scenario: Scenario,
    transport: Transport,
    folder: Path,
    server: Endpoint,
    clients: Sequence[Endpoint],
    repeat: int,
    tick: Callable[[], None],
) -> list[Run]:
    turns = [(Pairing(server, client), number) for number in range(1, repeat + 1) for client in clients]
    logs = []
    command = server_command(scenario, transport, server, folder)
    trouble = None
    try:
        process = launcher.start(command)
        ready = process.wait_for_line(lambda line: parse_line(line).name == "starting", READY_S)
        port = _port(ready)
        if ready is None:
            # Its output is over where the program is, though its exit code may take a moment longer.
            trouble = "ended before it was ready" if process.output_is_over else f"was not ready in {READY_S:g} s"
        elif port is None and "{port}" in transport.client_options:
            trouble = "did not say its port"
        else:
            for pairing, _ in turns:
                logs.append(_run_client(launcher, client_command(scenario, transport, pairing, folder, port or 0)))
                tick()
        log = process.stop()
    except OSError as error:
        trouble, log = f"cannot be started ({error})", Log(command, (), None)
    except Closed:
        return []
    if trouble is not None:
        log = Log(log.command, log.lines, log.exit_code, trouble)
        logs = [Log((), (), None, "was not started: the server was not ready") for _ in turns]
    return _pair(turns, log, logs)


def _run_client(launcher: Launcher, command: tuple[str, ...]) -> Log:
    try:
        return launcher.start(command).wait(CLIENT_S)
    except OSError as error:
        return Log(command, (), None, f"cannot be started ({error})")


def _port(ready: str | None) -> int | None:
    """The port in the line by which a server says that it is ready."""
    found = re.search(r"port (\d{1,5})$", parse_line(ready).message) if ready is not None else None
    return int(found[1]) if found is not None else None


def _pair(turns: Sequence[tuple[Pairing, int]], server: Log, clients: Sequence[Log]) -> list[Run]:
    """Give each client its part of the server's log: the server's own life, and the connections that this client
    made."""
    server_events = parse(server.lines)
    client_events = [parse(client.lines) for client in clients]
    blocks = connections(server_events)
    owners = _owners(blocks, client_events)
    turn_of = {id(event): owner for block, owner in zip(blocks, owners, strict=True) for event in block}
    runs = []
    for turn, ((pairing, number), client) in enumerate(zip(turns, clients, strict=True)):
        own = tuple(event for event in server_events if turn_of.get(id(event), turn) == turn)
        runs.append(Run(pairing, number, server, client, own, client_events[turn]))
    return runs


def _owners(blocks: Sequence[Sequence[Event]], clients: Sequence[Sequence[Event]]) -> list[int]:
    """Which client made each of the server's connections: the one that tells its port, else the next one in order
    that was connected. What then is left belongs to the client of the connection before: no line of a log is
    dropped."""
    owners: dict[int, int] = {}
    free: dict[str, list[int]] = {}
    for place, block in enumerate(blocks):
        free.setdefault(block[0].speaker, []).append(place)
    for turn, events in enumerate(clients):
        for block in connections(events):
            told = _told_speaker(block)
            if free.get(told):
                owners[free[told].pop(0)] = turn
            elif any(event.name in ("sending", "waiting", "received", "eof") for event in block):
                unclaimed = next((place for place in range(len(blocks)) if place not in owners), None)
                if unclaimed is not None:
                    owners[unclaimed] = turn
                    free[blocks[unclaimed][0].speaker].remove(unclaimed)
    last = 0
    return [last := owners.get(place, last) for place in range(len(blocks))]


def _told_speaker(client: Iterable[Event]) -> str:
    """The server's name for a client's connection, by the port that the client reports; empty where it reports none."""
    for event in client:
        match event.fields.get("local"):
            case [str(host), int(port)]:
                return f"echo_{host}_{port}"
    return ""
