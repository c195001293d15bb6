"""Run every server with every client. One server process takes its clients one after another, so that the n-th
connection is the n-th client's; servers run side by side, as many as `jobs`."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from comparison.commands import HOSTS, client_command, payload_file, prepare, server_command, where
from comparison.endpoints import ROOT
from comparison.model import SIDES, Endpoint, Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.processes import AWAKE_S, Closed, Launcher, Process
from comparison.projection import connections, told_speaker
from comparison.relay import Relay, seen_by
from comparison.serving import AddressTaken, NotReady, alone, start_server, start_silent_server
from comparison.stage import ClientStage, ServerStage, Skip
from comparison.transcript import parse, tells
from comparison.transports import TCP

CONNECTIONS_EACH = 4000
"""A server is asked for a fresh process after about so many connections: its log is held in memory until it ends."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is run, and whom to tell of it: `keep` gets each run, `tick` is called after each; both from any thread."""

    scenario: Scenario
    transport: Transport = TCP
    repeat: int = 1
    jobs: int = 1
    keep: Callable[[Run], None] = lambda run: None
    tick: Callable[[], None] = lambda: None


def run_all(plan: Plan, pairings: Sequence[Pairing]) -> dict[Pairing, str]:
    """Run each of the pairings `repeat` times. Those that turned out not to be possible, each with the reason."""
    # On the way out, also after Ctrl-C, the launcher ends the processes before the pool waits for its threads.
    with (
        tempfile.TemporaryDirectory(prefix="compare-") as folder,
        ThreadPoolExecutor(plan.jobs) as pool,
        Launcher(ROOT) as launcher,
    ):
        play = _play if plan.scenario.script is not None else _pair_up
        prepare(plan.scenario, plan.transport, Path(folder))

        def take(turns: Turns) -> Skipped:
            with alone(turns[0][0].server):
                return play(plan, launcher, Path(folder), turns)

        futures = [pool.submit(take, turns) for turns in _turns(plan, pairings)]
        # Awake now and then, should the signal of Ctrl-C reach another thread: only this one acts on it.
        while wait(futures, AWAKE_S).not_done:
            pass
        return {pairing: reason for future in futures for pairing, reason in future.result()}


Turns = Sequence[tuple[Pairing, int]]
Skipped = Sequence[tuple[Pairing, str]]


def _turns(plan: Plan, pairings: Sequence[Pairing]) -> Iterator[Turns]:
    """Which pairings one server process takes after another, each with its number."""
    if plan.scenario.script is not None:
        yield from ([(pairing, number)] for number in range(1, plan.repeat + 1) for pairing in pairings)
        return
    at_once = max(1, CONNECTIONS_EACH // plan.scenario.connections)
    for server in dict.fromkeys(pairing.server for pairing in pairings):
        own = [pairing for pairing in pairings if pairing.server == server]
        turns = [(pairing, number) for number in range(1, plan.repeat + 1) for pairing in own]
        yield from (turns[start : start + at_once] for start in range(0, len(turns), at_once))


def _play(plan: Plan, launcher: Launcher, folder: Path, turns: Turns) -> Skipped:
    """A scenario with a script, in a folder of its own: its Unix socket has the same name in each run."""
    [(pairing, number)] = turns
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for file in folder.iterdir():
            if file.is_file():
                (Path(own) / file.name).symlink_to(file)
        stage = _stage(plan, launcher, Path(own), pairing)
        try:
            run = stage.play(number)
        except Closed:
            return ()
        except Skip as reason:
            plan.tick()
            return ((pairing, str(reason)),)
        finally:
            stage.close()
    plan.keep(run)
    plan.tick()
    return ()


def _stage(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing) -> ServerStage | ClientStage:
    if "server" in plan.scenario.on_trial:
        return ServerStage(launcher, plan.scenario, plan.transport, folder, pairing.server)
    return ClientStage(launcher, plan.scenario, plan.transport, folder, pairing.client)


def _pair_up(plan: Plan, launcher: Launcher, folder: Path, turns: Turns) -> Skipped:
    """One server process, and its clients one after another."""
    server = turns[0][0].server
    clients: list[_Client] = []
    try:
        process, port, tried_port = _serve(plan, launcher, folder, server)
        for pairing, _ in turns:
            clients.append(_run_client(plan, launcher, folder, pairing, port))
            plan.tick()
        log = process.stop()
    except NotReady as error:
        log, tried_port = error.log, None
        never = Log((), (), None, "was not started: the server was not ready")
        clients = [_Client(never, parse(()), ()) for _ in turns]
    except Closed:
        return ()
    except AddressTaken as reason:
        for _ in turns:
            plan.tick()
        return [(pairing, f"{server.label}: {reason}") for pairing, _ in turns]
    for run in _pair(turns, log, clients, tried_port):
        plan.keep(run)
    return ()


def _serve(plan: Plan, launcher: Launcher, folder: Path, server: Endpoint) -> tuple[Process, int, int | None]:
    """Start a server: its process, its port, and the port of a connection that tried whether it is there."""

    def command(port: int) -> tuple[str, ...]:
        return server_command(plan.scenario, plan.transport, server, folder, port)

    if not server.takes_options:
        return start_silent_server(launcher, command, HOSTS[plan.transport.name], address=server.server_address)
    needs_port = any("{port}" in option for option in plan.transport.client_options)
    return *start_server(launcher, command(0), needs_port=needs_port), None


@dataclasses.dataclass(frozen=True)
class _Client:
    """One client that has ended: its log, and what passed on the wire where somebody watched it."""

    log: Log
    events: tuple[Event, ...]
    wire: tuple[Event, ...]


def _run_client(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing, port: int) -> _Client:
    """Run a client to its end. Where one of the two takes no options, and so may tell nothing, it is connected through
    a relay that watches the wire."""
    with contextlib.ExitStack() as stack:
        relay = None
        if not (pairing.server.takes_options and pairing.client.takes_options):
            address = where(pairing.server, plan.transport, port)
            relay = stack.enter_context(Relay(HOSTS[plan.transport.name], address, plan.scenario.deadline_s))
            port = relay.port
        command = client_command(plan.scenario, plan.transport, pairing, folder, port)
        try:
            log = launcher.start(command, stdin=payload_file(pairing, folder)).wait(plan.scenario.deadline_s)
        except OSError as error:
            log = Log(command, (), None, f"cannot be started ({error})")
        return _Client(log, parse(log.lines), relay.events() if relay is not None else ())


def _pair(turns: Turns, server: Log, clients: Sequence[_Client], tried_port: int | None) -> Iterator[Run]:
    """Give each client its part of the server's log: the server's own life, and the connections that this client
    made."""
    server_events = parse(server.lines)
    blocks = connections(server_events)
    if tried_port is not None:
        blocks = [block for block in blocks if not block[0].speaker.endswith(f"_{tried_port}")]
    owners = _owners(blocks, [client.events if tells(client.events) else client.wire for client in clients])
    turn_of = {id(event): owner for block, owner in zip(blocks, owners, strict=True) for event in block}
    of_nobody = {id(event) for block in connections(server_events) for event in block} - turn_of.keys()
    for turn, ((pairing, number), client) in enumerate(zip(turns, clients, strict=True)):
        own = [
            place
            for place, event in enumerate(server_events)
            if turn_of.get(id(event), turn) == turn and id(event) not in of_nobody
        ]
        log = dataclasses.replace(server, lines=tuple(server.lines[place] for place in own))
        events = {"server": tuple(server_events[place] for place in own), "client": client.events}
        silent: list[Side] = [side for side in SIDES if client.wire and not tells(events[side])]
        for side in silent:
            events[side] = seen_by(side, client.wire)
        yield Run(pairing, number, log, client.log, events["server"], events["client"], tuple(silent))


def _owners(blocks: Sequence[Sequence[Event]], clients: Sequence[Sequence[Event]]) -> list[int]:
    """Which client made each of the server's connections: the one that tells its port, else the next one in order
    that was connected. What then is left belongs to the client that was there when it began, else to that of the
    connection before: no line of a log is dropped."""
    owners: dict[int, int] = {}
    free: dict[str, list[int]] = {}
    for place, block in enumerate(blocks):
        free.setdefault(block[0].speaker, []).append(place)
    for turn, events in enumerate(clients):
        for block in connections(events):
            told = told_speaker(block)
            if free.get(told):
                owners[free[told].pop(0)] = turn
            elif any(event.name in ("sending", "waiting", "received", "eof") for event in block):
                unclaimed = next((place for place in range(len(blocks)) if place not in owners), None)
                if unclaimed is not None:
                    owners[unclaimed] = turn
                    free[blocks[unclaimed][0].speaker].remove(unclaimed)
    last = 0
    found = []
    for place, block in enumerate(blocks):
        last = owners[place] if place in owners else _turn_at(block[0].t_ns, clients, last)
        found.append(last)
    return found


def _turn_at(t_ns: int | None, clients: Sequence[Sequence[Event]], otherwise: int) -> int:
    """The client that ran at a time: the first that did not end before it."""
    ends = [events[-1].t_ns if events else None for events in clients]
    return next((turn for turn, end in enumerate(ends) if t_ns and end and end >= t_ns), otherwise)
