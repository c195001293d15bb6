"""Run every server with every client. One server process takes all of its clients, one after another, so that the
n-th connection is the n-th client's; servers run side by side, as many as `jobs`."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from comparison.endpoints import ROOT
from comparison.model import Endpoint, Event, Log, Pairing, Run, Scenario
from comparison.processes import Closed, Launcher
from comparison.projection import connections
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
    repeat: int = 1,
    jobs: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> list[Run]:
    """Every server with every client, `repeat` times each; `tick` is called after each client, from any thread."""
    # On the way out, also after Ctrl-C, the launcher ends the processes before the pool waits for its threads.
    with ThreadPoolExecutor(jobs) as pool, Launcher(ROOT) as launcher:
        futures = [pool.submit(_run_server, launcher, scenario, server, clients, repeat, tick) for server in servers]
        # Awake now and then, should the signal of Ctrl-C reach another thread: only this one acts on it.
        while wait(futures, AWAKE_S).not_done:
            pass
        return list(itertools.chain.from_iterable(future.result() for future in futures))


def commands(scenario: Scenario, pairing: Pairing, port: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The command of the server and of the client of a pairing."""
    return (
        (*pairing.server.server_command, "--port", str(port)),
        (*pairing.client.client_command, "--port", str(port), *scenario.client_options),
    )


def _run_server(
    launcher: Launcher,
    scenario: Scenario,
    server: Endpoint,
    clients: Sequence[Endpoint],
    repeat: int,
    tick: Callable[[], None],
) -> list[Run]:
    turns = [(Pairing(server, client), number) for number in range(1, repeat + 1) for client in clients]
    logs = []
    command = (*server.server_command, "--port", "0")
    try:
        process = launcher.start(command)
        ready = process.wait_for_line(lambda line: parse_line(line).name == "starting", READY_S)
        port = _port(ready)
        if port is not None:
            for pairing, _ in turns:
                logs.append(_run_client(launcher, commands(scenario, pairing, port)[1]))
                tick()
        trouble = None if port is not None else _why_not_ready(ready, process.output_is_over)
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


def _why_not_ready(ready: str | None, output_is_over: bool) -> str:
    if ready is not None:
        return "did not say its port"
    # Its output is over where the program is, though its exit code may take a moment longer.
    return "ended before it was ready" if output_is_over else f"was not ready in {READY_S:g} s"


def _pair(turns: Sequence[tuple[Pairing, int]], server: Log, clients: Sequence[Log]) -> list[Run]:
    """Give each client its part of the server's log: the server's own life, and the connections that this client
    made."""
    server_events = parse(server.lines)
    client_events = [parse(client.lines) for client in clients]
    owners = _owners(list(connections(server_events)), client_events)
    runs = []
    for turn, ((pairing, number), client) in enumerate(zip(turns, clients, strict=True)):
        own = tuple(event for event in server_events if owners.get(event.speaker, turn) == turn)
        runs.append(Run(pairing, number, server, client, own, client_events[turn]))
    return runs


def _owners(speakers: Sequence[str], clients: Sequence[Sequence[Event]]) -> dict[str, int]:
    """Which client made which of the server's connections: the one that tells its port, else the next one in order
    that was connected. What then is left belongs to the client of the connection before: no line of a log is
    dropped."""
    owners: dict[str, int] = {}
    for turn, events in enumerate(clients):
        told = _told_speaker(events)
        if told in speakers:
            owners[str(told)] = turn
        elif any(event.name in ("sending", "waiting", "received", "eof") for event in events):
            free = next((speaker for speaker in speakers if speaker not in owners), None)
            if free is not None:
                owners[free] = turn
    last = 0
    for speaker in speakers:
        last = owners.setdefault(speaker, last)
    return owners


def _told_speaker(client: Iterable[Event]) -> str | None:
    """The server's name for a client's connection, by the port that the client reports."""
    for event in client:
        match event.fields.get("local"):
            case [str(host), int(port)]:
                return f"echo_{host}_{port}"
    return None
