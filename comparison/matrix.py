"""Run every server with every client. One server process takes all of its clients, one after another, so that the
n-th connection is the n-th client's; servers run side by side, as many as `jobs`."""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from comparison.endpoints import ROOT
from comparison.model import Endpoint, Event, Log, Pairing, Run, Scenario
from comparison.processes import Closed, Launcher
from comparison.projection import connections, is_connection
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
    with Launcher(ROOT) as launcher, ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [
                pool.submit(_run_server, launcher, scenario, server, clients, repeat, tick) for server in servers
            ]
            # Awake now and then, should the signal of Ctrl-C reach another thread: only this one acts on it.
            while wait(futures, AWAKE_S).not_done:
                pass
            return list(itertools.chain.from_iterable(future.result() for future in futures))
        except BaseException:
            # Ctrl-C above all: end the processes first, or the pool would wait for them.
            launcher.close()
            pool.shutdown(cancel_futures=True)
            raise


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


def _pair(turns: Iterable[tuple[Pairing, int]], server: Log, clients: Iterable[Log]) -> list[Run]:
    """Give each client its part of the server's log: the server's own life, and the connection that this client
    made."""
    server_events = parse(server.lines)
    own_life = [event for event in server_events if not is_connection(event.speaker)]
    unclaimed = connections(server_events)
    runs = []
    for (pairing, number), client in zip(turns, clients, strict=True):
        client_events = parse(client.lines)
        speaker = _speaker_of(client_events, unclaimed)
        connection = unclaimed.pop(speaker) if speaker is not None else []
        kept = {id(event) for event in (*own_life, *connection)}
        events = tuple(event for event in server_events if id(event) in kept)
        runs.append(Run(pairing, number, server, client, events, client_events))
    return runs


def _speaker_of(client: Iterable[Event], unclaimed: dict[str, list[Event]]) -> str | None:
    """The server's name for a client's connection: by the port that the client reports, else the first that nobody
    claimed."""
    for event in client:
        match event.fields.get("local"):
            case [str(host), int(port)] if f"echo_{host}_{port}" in unclaimed:
                return f"echo_{host}_{port}"
    if any(event.name in ("sending", "waiting", "received", "eof") for event in client):
        return next(iter(unclaimed), None)
    return None
