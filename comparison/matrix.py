"""Run every server with every client. One server process takes its clients one after another, so that the n-th
connection is the n-th client's; servers run side by side, as many as `jobs`."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from comparison.commands import HOSTS, client_command, not_supported, payload_file, prepare, server_command
from comparison.endpoints import ROOT
from comparison.machine import Heartbeat, folder_for_sockets, out_of, runs_at_once
from comparison.model import SIDES, Endpoint, Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.processes import AWAKE_S, Closed, Launcher, Process
from comparison.projection import connections, told_speaker
from comparison.relay import Relay, seen_by
from comparison.serving import NotReady, start_server, start_silent_server
from comparison.stage import Busy, ClientStage, ServerStage, Skip
from comparison.transcript import parse, tells
from comparison.transports import TCP

TRIES = 3
"""How often a scenario is played before the machine is said to be too busy to tell."""

TOO_BUSY = f"this machine is too busy to tell: too late in {TRIES} of {TRIES} runs; try again when it has less to do"

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
    sockets_in = folder_for_sockets() if plan.transport.name == "unix" else None
    # On the way out, also after Ctrl-C, the launcher ends the processes before the pool waits for its threads.
    with (
        tempfile.TemporaryDirectory(prefix="compare-", dir=sockets_in) as folder,
        ThreadPoolExecutor(runs_at_once(plan.scenario, plan.jobs)) as pool,
        Launcher(ROOT) as launcher,
    ):
        play = _play if plan.scenario.script is not None else _pair_up
        try:
            prepare(plan.scenario, plan.transport, Path(folder))
        except OSError as error:
            return dict.fromkeys(pairings, out_of(error) or f"the files that it takes cannot be written ({error})")
        futures = [pool.submit(play, plan, launcher, Path(folder), turns) for turns in _turns(plan, pairings)]
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
    """A scenario with a script; again where the machine was too late to tell."""
    [(pairing, number)] = turns
    skipped = TOO_BUSY
    for _ in range(TRIES):
        try:
            run = _play_once(plan, launcher, folder, pairing, number)
        except Busy:
            continue
        except Closed:
            return ()
        except Skip as reason:
            skipped = str(reason)
            break
        plan.keep(run)
        plan.tick()
        return ()
    plan.tick()
    return ((pairing, skipped),)


def _play_once(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing, number: int) -> Run:
    """A scenario with a script, in a folder of its own: its Unix socket has the same name in each run. Raises Busy,
    Closed and Skip."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for file in folder.iterdir():
            if file.is_file():
                (Path(own) / file.name).symlink_to(file)
        stage = _stage(plan, launcher, Path(own), pairing)
        try:
            return stage.play(number)
        finally:
            stage.close()


def _stage(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing) -> ServerStage | ClientStage:
    if "server" in plan.scenario.on_trial:
        return ServerStage(launcher, plan.scenario, plan.transport, folder, pairing.server)
    return ClientStage(launcher, plan.scenario, plan.transport, folder, pairing.client)


def _pair_up(plan: Plan, launcher: Launcher, folder: Path, turns: Turns) -> Skipped:
    """One server process, and its clients one after another."""
    server = turns[0][0].server
    played: list[tuple[Pairing, int]] = []
    clients: list[_Client] = []
    try:
        process, port, tried_port = _serve(plan, launcher, folder, server)
        for turn in turns:
            for _ in range(TRIES):
                clients.append(_run_client(plan, launcher, folder, turn[0], port))
                played.append(turn)
                if clients[-1].skipped is not TOO_BUSY:
                    break
            plan.tick()
        log = process.stop()
    except NotReady as error:
        log, tried_port, played = error.log, None, list(turns)
        never = Log((), (), None, "was not started: the server was not ready")
        clients = [_Client(never, parse(()), (), error.lacking or not_supported(server, log)) for _ in turns]
    except Closed:
        return ()
    skipped = []
    for run, client in zip(_pair(played, log, clients, tried_port), clients, strict=True):
        if client.skipped is None:
            plan.keep(run)
        else:
            skipped.append((run.pairing, client.skipped))
    return skipped


def _serve(plan: Plan, launcher: Launcher, folder: Path, server: Endpoint) -> tuple[Process, int, int | None]:
    """Start a server: its process, its port, and the port of a connection that tried whether it is there."""

    def command(port: int) -> tuple[str, ...]:
        return server_command(plan.scenario, plan.transport, server, folder, port)

    if not server.takes_options:
        return start_silent_server(launcher, command, HOSTS[plan.transport.name])
    needs_port = any("{port}" in option for option in plan.transport.client_options)
    return *start_server(launcher, command(0), needs_port=needs_port), None


@dataclasses.dataclass(frozen=True)
class _Client:
    """One client that has ended: its log, and what passed on the wire where somebody watched it."""

    log: Log
    events: tuple[Event, ...]
    wire: tuple[Event, ...]
    skipped: str | None = None
    """Why it does not count, where it does not."""


def _run_client(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing, port: int) -> _Client:
    """Run a client to its end. Where one of the two takes no options, and so may tell nothing, it is connected through
    a relay that watches the wire."""
    with contextlib.ExitStack() as stack:
        relay = None
        if not (pairing.server.takes_options and pairing.client.takes_options):
            relay = stack.enter_context(Relay(HOSTS[plan.transport.name], port, plan.scenario.deadline_s))
            port = relay.port
        command = client_command(plan.scenario, plan.transport, pairing, folder, port)
        machine = stack.enter_context(Heartbeat())
        try:
            log = launcher.start(command, stdin=payload_file(pairing, folder)).wait(plan.scenario.deadline_s)
            skipped = not_supported(pairing.client, log)
        except OSError as error:
            log, skipped = Log(command, (), None, f"cannot be started ({error})"), out_of(error)
        if plan.scenario.late_s is not None and machine.late_s > plan.scenario.late_s:
            skipped = TOO_BUSY
        return _Client(log, parse(log.lines), relay.events() if relay is not None else (), skipped)


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
