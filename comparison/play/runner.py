"""Run every server with every client. One server process takes its clients one after another, so that the n-th
connection is the n-th client's; servers run side by side, as many as `jobs`."""

import bisect
import contextlib
import dataclasses
import itertools
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from comparison.errors import first_error
from comparison.model import SIDES, Endpoint, Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.play.commands import HOSTS, client_command, not_supported, payload_file, prepare, where
from comparison.play.dropouts import hung
from comparison.play.machine import Heartbeat, folder_for_sockets, out_of, runs_at_once
from comparison.play.processes import Closed, Launcher
from comparison.play.relay import Relay, seen_by
from comparison.play.serving import NotReady, alone, serve
from comparison.play.stage import Busy, ClientStage, ServerStage, Skip
from comparison.play.transports import TCP
from comparison.play.workers import Workers
from comparison.transcript import connections, is_connection, parse, places, tells, told_speaker

CLIENTS_EACH = 20
"""A server process takes so many clients at most: none of their runs is judged before it ends, and Ctrl-C may come."""

LINES_EACH = 25_000
"""A server gets no further client once it and those before have written so many lines: they are held in memory until
it ends."""

TRIES = 5
"""How often a scenario is played before the machine is said to be too busy to tell."""

CUT_OFF = "cut off"
"""Why a client does not count that had not ended when Ctrl-C came."""

TOO_BUSY = f"this machine is too busy to tell: too late in {TRIES} of {TRIES} runs; try again when it has less to do"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is run, and whom to tell of it: `keep` gets each run, `tick` is called after each, from any thread."""

    scenario: Scenario
    transport: Transport = TCP
    repeat: int = 1
    jobs: int = 1
    keep: Callable[[Run], None] = lambda run: None
    tick: Callable[[], None] = lambda: None
    reference: Pairing | None = None
    hanging: set[Pairing] = dataclasses.field(default_factory=set)
    """Those that had not ended at their deadline, as they are found out."""
    started: dict[Endpoint, bool] = dataclasses.field(default_factory=dict)
    """Servers, as they are found out: whether one has ever come to accept connections."""

    @property
    def dead(self) -> set[Endpoint]:
        """Servers that cannot start."""
        return {server for server, has_started in self.started.items() if not has_started}


Turn = tuple[Pairing, int]
"""A pairing, and which of its runs it is."""

Turns = Sequence[Turn]
"""Those that one server process takes after another."""

Outcome = Run | tuple[Pairing, str]
"""A run, or why there cannot be one of that pairing."""


def run_all(plan: Plan, pairings: Sequence[Pairing]) -> dict[Pairing, str]:
    """Run each of the pairings `repeat` times. Those that turned out not to be possible, each with the reason."""
    skipped: dict[Pairing, str] = {}
    sockets_in = folder_for_sockets() if plan.transport.name == "unix" else None
    # On the way out, also after Ctrl-C, the launcher ends the processes before their threads are waited for.
    with (
        tempfile.TemporaryDirectory(prefix="compare-", dir=sockets_in, ignore_cleanup_errors=True) as folder,
        Workers(runs_at_once(plan.scenario, plan.jobs)) as workers,
        Launcher() as servers,
        Launcher() as launcher,
    ):
        try:
            prepare(plan.scenario, plan.transport, Path(folder))
        except OSError as error:
            return dict.fromkeys(pairings, out_of(error) or f"the files that it takes cannot be written ({error})")

        def outcomes(turns: Turns) -> Iterator[Outcome]:
            with contextlib.suppress(Closed), alone(turns[0][0].server):
                if plan.scenario.script is not None:
                    yield from _play(plan, launcher, Path(folder), turns)
                else:
                    yield from _pair_up(plan, servers, launcher, Path(folder), turns)

        # After Ctrl-C servers end as they should: their clients that have ended by then count.
        with contextlib.closing(workers.each(outcomes, _turns(plan, pairings), launcher.close)) as found:
            for outcome in found:
                if isinstance(outcome, Run):
                    plan.keep(outcome)
                else:
                    skipped.update([outcome])
    return skipped


def _turns(plan: Plan, pairings: Sequence[Pairing]) -> Iterator[Turns]:
    """All that is to be run, so that every pairing gets on as fast as the others."""
    if plan.scenario.script is not None:
        yield from ([(pairing, number)] for number in range(1, plan.repeat + 1) for pairing in pairings)
        return
    by_server: dict[Endpoint, list[Turn]] = {}
    for number in range(1, plan.repeat + 1):
        for pairing in pairings:
            by_server.setdefault(pairing.server, []).append((pairing, number))
    for start in range(0, max(map(len, by_server.values()), default=0), CLIENTS_EACH):
        yield from filter(None, (turns[start : start + CLIENTS_EACH] for turns in by_server.values()))


def _play(plan: Plan, launcher: Launcher, folder: Path, turns: Turns) -> Iterator[Outcome]:
    """A scenario with a script; again where the machine was too late to tell."""
    [(pairing, number)] = turns
    outcome: Outcome = pairing, TOO_BUSY
    for _ in range(TRIES):
        try:
            outcome = _play_once(plan, launcher, folder, pairing, number)
        except Busy:
            continue
        except Skip as reason:
            outcome = pairing, str(reason)
        break
    plan.tick()
    if not launcher.is_closed:
        yield outcome


def _play_once(plan: Plan, launcher: Launcher, folder: Path, pairing: Pairing, number: int) -> Run:
    """A scenario with a script, in a folder of its own: its Unix socket has the same name in each run. Raises Busy,
    Closed and Skip."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for file in folder.iterdir():
            if file.is_file():
                (Path(own) / file.name).symlink_to(file)
        [side] = plan.scenario.on_trial
        of_side: type[ServerStage | ClientStage] = ServerStage if side == "server" else ClientStage
        stage = of_side(launcher, plan.scenario, plan.transport, Path(own), pairing.end(side))
        try:
            return stage.play(number)
        finally:
            stage.close()


def _pair_up(plan: Plan, servers: Launcher, launcher: Launcher, folder: Path, turns: Turns) -> Iterator[Outcome]:
    """One server process, and its clients one after another; then another, where its log has grown long or a client
    hangs. Where it dies or shows an error, nobody can tell at whom: each client that has ended is played again, with a
    server of its own. Where the launcher of the clients is closed, those count that had ended before."""
    left = list(turns)
    while left and not launcher.is_closed:
        try:
            log, tried_port, met, left = _serve_clients(plan, servers, launcher, folder, left)
        except NotReady as error:
            for _ in left:
                plan.tick()
            yield from _never_met(plan, error, left)
            return
        runs = list(_pair(met, log, tried_port))
        died = log.fate == "absent"
        to_blame = len(runs) > 1 and (died or _shows_an_error(runs[0].server_events))
        again = [turn for turn in dict.fromkeys(turn for turn, _ in met) if to_blame and turn[0] not in plan.hanging]
        for (turn, client), run in zip(met, runs, strict=True):
            if turn not in again and client.skipped is not CUT_OFF:
                yield run if client.skipped is None else (run.pairing, client.skipped)
        for turn in again:
            yield from _pair_up(dataclasses.replace(plan, tick=lambda: None), servers, launcher, folder, [turn])


def _serve_clients(
    plan: Plan, servers: Launcher, launcher: Launcher, folder: Path, turns: Turns
) -> tuple[Log, int | None, list[tuple[Turn, "_Client"]], list[Turn]]:
    """Start a server, and its clients one after another: its log, the port of the connection that tried it, the clients
    that it had, and those that are left for another. Raises NotReady."""
    server, left = turns[0][0].server, deque(turns)
    process, port, tried_port = serve(servers, plan.scenario, plan.transport, server, folder)
    plan.started[server] = True
    met: list[tuple[Turn, _Client]] = []
    lines = 0
    while left and not launcher.is_closed:
        pairing, number = left.popleft()
        for _ in range(0 if hung(plan.reference, plan.hanging, [pairing]) else TRIES):
            client = _run_client(plan, launcher, folder, pairing, port)
            met.append(((pairing, number), client))
            lines += len(client.log.lines)
            if client.skipped is not TOO_BUSY:
                break
        plan.tick()
        if len(process.lines) + lines >= LINES_EACH or pairing in plan.hanging:
            break
    return process.stop(), tried_port, met, list(left)


def _never_met(plan: Plan, error: NotReady, turns: Turns) -> Iterator[Outcome]:
    """What comes of clients whose server has not come to accept connections."""
    server = turns[0][0].server
    if (why := error.lacking or not_supported(server, error.log)) is not None:
        yield from ((pairing, why) for pairing, _ in turns)
        return
    plan.started.setdefault(server, False)
    never = _Client(Log((), (), None, "was not started: the server was not ready"), (), ())
    yield from _pair([(turn, never) for turn in turns], error.log, None)


def _shows_an_error(events: Sequence[Event]) -> bool:
    """Whether a server tells of an error that is none of a connection."""
    own = [event for event in events if not is_connection(event.speaker)]
    printed = (event.message if event.name == "unreadable" else "" for event in own)
    return any("traceback" in event.fields for event in own) or first_error(printed) is not None


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
    relay = None
    with contextlib.ExitStack() as stack:
        if not (pairing.server.takes_options and pairing.client.takes_options):
            address = where(pairing.server, plan.transport, port)
            relay = stack.enter_context(Relay(HOSTS[plan.transport.name], address, plan.scenario.deadline_s))
            port = relay.port
        command = client_command(plan.scenario, plan.transport, pairing, folder, port)
        machine = stack.enter_context(Heartbeat())
        try:
            log = launcher.start(command, stdin=payload_file(plan.scenario, plan.transport, pairing, folder)).wait(
                plan.scenario.deadline_s
            )
            skipped = not_supported(pairing.client, log)
        except OSError as error:
            log, skipped = Log(command, (), None, f"cannot be started ({error})", fate="absent"), out_of(error)
        except Closed:
            log, skipped = Log(command, (), None), CUT_OFF
        if plan.scenario.late_s is not None and machine.late_s > plan.scenario.late_s:
            skipped = TOO_BUSY
        if launcher.is_closed:
            skipped = CUT_OFF
    if log.fate == "hung":
        plan.hanging.add(pairing)
    return _Client(log, parse(log.lines), relay.events() if relay is not None else (), skipped)


def _pair(met: Sequence[tuple[Turn, _Client]], server: Log, tried_port: int | None) -> Iterator[Run]:
    """Give each client its part of the server's log: the server's own life, and the connections that this client
    made."""
    server_events = parse(server.lines)
    blocks = places(server_events)
    of_somebody = {place for block in blocks for place in block}
    life = [place for place in range(len(server_events)) if place not in of_somebody]
    if tried_port is not None:
        blocks = [block for block in blocks if not server_events[block[0]].speaker.endswith(f"_{tried_port}")]
    # What was seen on the wire has the port that the server sees.
    told = [[server_events[place] for place in block] for block in blocks]
    of_turn: list[list[int]] = [[] for _ in met]
    owners = _owners(told, [client.wire or client.events for _, client in met])
    for block, owner in zip(blocks, owners, strict=True):
        of_turn[owner] += block
    for ((pairing, number), client), mine in zip(met, of_turn, strict=True):
        own = sorted([*life, *mine])
        log = dataclasses.replace(server, lines=tuple(server.lines[place] for place in own))
        events = {"server": tuple(server_events[place] for place in own), "client": client.events}
        silent: list[Side] = [side for side in SIDES if client.wire and not tells(events[side])]
        for side in silent:
            events[side] = seen_by(side, client.wire)
        yield Run(pairing, number, log, client.log, events["server"], events["client"], tuple(silent), client.wire)


def _owners(blocks: Sequence[Sequence[Event]], clients: Sequence[Sequence[Event]]) -> list[int]:
    """Which client made each of the server's connections: the one that tells its port, else the next one in order
    that was connected. What then is left belongs to the client that was there when it began, else to that of the
    connection before: no line of a log is dropped."""
    owners: dict[int, int] = {}
    free: dict[str, deque[int]] = {}
    for place, block in enumerate(blocks):
        free.setdefault(block[0].speaker, deque()).append(place)
    unclaimed = 0
    for turn, events in enumerate(clients):
        for block in connections(events):
            told = told_speaker(block)
            if free.get(told):
                owners[free[told].popleft()] = turn
            elif any(event.name in ("sending", "waiting", "received", "eof") for event in block):
                while unclaimed in owners:
                    unclaimed += 1
                if unclaimed < len(blocks):
                    owners[free[blocks[unclaimed][0].speaker].popleft()] = turn
    ends = list(itertools.accumulate((events[-1].t_ns or 0 if events else 0 for events in clients), max))
    last = 0
    found = []
    for place, block in enumerate(blocks):
        # The client that ran at that time is the first that did not end before it.
        at = bisect.bisect_left(ends, block[0].t_ns) if block[0].t_ns else len(ends)
        last = owners.get(place, at if at < len(ends) else last)
        found.append(last)
    return found
