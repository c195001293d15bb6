"""From a unit of work to its runs: a server process takes its clients one after another, so that the n-th connection is
the n-th client's; or a script is played once. Units know nothing of each other, and can be played anywhere."""

import contextlib
import dataclasses
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path

from comparison.errors import first_error
from comparison.model import SIDES, Endpoint, Event, Log, Pairing, Run, Scenario, Side, Transport
from comparison.play.machine import Busy, Skip, folder_for_sockets, heartbeat, out_of, runs_at_once
from comparison.play.processes import Closed, Launcher
from comparison.play.relay import Relay
from comparison.play.serving import NotReady, launched, serve
from comparison.play.stage import ClientStage, ServerStage
from comparison.play.transports import HOSTS, client_command, not_supported, prepare
from comparison.play.workers import each, in_a_thread
from comparison.transcript import connections, is_connection, places, tells, told_speaker

CLIENTS_EACH = 20  # at most of a server: none of their runs is judged before it ends, and Ctrl-C may come
LINES_EACH = 25_000  # a server gets no further client once so many lines are written: they are held in memory till then
TRIES = 5  # how often a scenario is played before the machine is said to be too busy to tell

CONNECTED = ("sending", "waiting", "received", "eof")  # what a client tells only when it is connected
CUT_OFF = "cut off"  # why a client does not count that had not ended when Ctrl-C came
TOO_BUSY = f"this machine is too busy to tell: too late in {TRIES} of {TRIES} runs; try again when it has less to do"

Turn = tuple[Pairing, int]  # a pairing, and which of its runs it is
Outcome = Run | tuple[Pairing, str]  # a run, or why there cannot be one of that pairing


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """What one server process takes, one client after another; or one play of a script."""

    scenario: Scenario
    transport: Transport
    turns: Sequence[Turn]
    reference: Pairing | None = None
    hanging: Set[Pairing] = frozenset()  # those that had not ended at their deadline, as they are found out

    @property
    def server(self) -> Endpoint:
        return self.turns[0][0].server


PlayAll = Callable[[Iterable[Unit]], Generator[tuple[Unit, list[Outcome]]]]
"""Plays units: each with what came of it, as it comes."""


def units(whole: Unit) -> list[Unit]:
    """All that is to be played of a scenario, cut up so that every pairing gets on as fast as the others."""
    together: dict[object, list[Turn]] = {}
    for turn in whole.turns:
        together.setdefault(turn[0].server if whole.scenario.script is None else turn, []).append(turn)
    starts = range(0, max(map(len, together.values()), default=0), CLIENTS_EACH)
    parts = [turns[start : start + CLIENTS_EACH] for start in starts for turns in together.values()]
    return [dataclasses.replace(whole, turns=part) for part in parts if part]


def play_all(jobs: int, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Outcome]]]:
    """Play units on this machine, as many side by side as `jobs`, see PlayAll."""
    with contextlib.ExitStack() as launchers:
        servers, clients = (launchers.enter_context(Launcher()) for _ in range(2))
        submit = partial(in_a_thread, partial(play, servers, clients))
        yield from each(submit, units, partial(fit, jobs), clients.kill, launchers.close)


def fit(jobs: int, units: Sequence[Unit]) -> bool:
    """Whether units can be played side by side: there are files for them, and only one server chooses its address."""
    most = min(runs_at_once(unit.scenario, jobs) for unit in units)
    return len(units) <= most and sum(unit.server.server_address is not None for unit in units) <= 1


def hung(reference: Pairing | None, known: Set[Pairing], pairing: Pairing) -> str | None:
    """Why one need not be tried, or count: its server is `known` to hang with the reference's client, too, or its
    client with the reference's server. Where the reference hangs itself, nobody can tell."""
    if reference is None or reference in known:
        return None
    others = Pairing(pairing.server, reference.client), Pairing(reference.server, pairing.client)
    return next((f"hangs in {one}, which is enough" for one in others if one in known and one != pairing), None)


def play(all_servers: Launcher, all_clients: Launcher, unit: Unit) -> list[Outcome]:
    """Play a unit: the runs of it, and why there cannot be others. After Ctrl-C the clients' launcher is closed first:
    servers end as they should, and clients that had ended count."""
    found: list[Outcome] = []
    with contextlib.suppress(Closed), all_servers.part() as servers, all_clients.part() as clients:
        try:
            scripted = unit.scenario.script is not None
            for outcome in _play(clients, unit) if scripted else _meet(servers, clients, unit):
                found.append(outcome)
        except Skip as reason:
            found += [(pairing, str(reason)) for pairing, _ in unit.turns if not clients.is_closed]
    return found


@contextlib.contextmanager
def _folder(unit: Unit) -> Iterator[Path]:
    """A folder with the files that a scenario takes. Raises Skip where it cannot be had."""
    sockets_in = folder_for_sockets() if unit.transport.name == "unix" else None
    with tempfile.TemporaryDirectory(prefix="compare-", dir=sockets_in, ignore_cleanup_errors=True) as folder:
        try:
            prepare(unit.scenario, unit.transport, Path(folder))
        except OSError as error:
            raise Skip(out_of(error) or f"the files that it takes cannot be written ({error})") from None
        yield Path(folder)


def _play(launcher: Launcher, unit: Unit) -> list[Outcome]:
    """A scenario with a script; again where the machine was too late to tell. Raises Skip."""
    [(pairing, number)] = unit.turns
    of_side: type[ServerStage | ClientStage] = ClientStage if "client" in unit.scenario.on_trial else ServerStage
    for _ in range(TRIES):
        # A folder of its own each time, since its Unix socket has the same name.
        with contextlib.suppress(Busy), _folder(unit) as folder, launcher.part() as part:
            run = of_side(part, unit.scenario, unit.transport, folder, pairing).play(number)
            return [] if launcher.is_closed else [run]
    raise Skip(TOO_BUSY)


@dataclasses.dataclass(frozen=True)
class _Client:
    """One client that has ended: its log, and what passed on the wire, as either side would tell it, if watched."""

    turn: Turn
    log: Log
    wire: Mapping[Side, tuple[Event, ...]] = dataclasses.field(default_factory=dict)
    skipped: str | None = None  # why it does not count


def _meet(servers: Launcher, clients: Launcher, unit: Unit) -> Iterator[Outcome]:
    """One server process, and its clients one after another; then another, where its log has grown long or a client
    hangs. Where it dies or shows an error, nobody can tell at whom: each client that has ended is played again, with a
    server of its own. Where the launcher of the clients is closed, those count that had ended before. Raises Skip."""
    while unit.turns and not clients.is_closed:
        try:
            log, met, left = _serve_clients(servers, clients, unit)
        except NotReady as error:
            never = Log((), (), None, "was not started: the server was not ready")
            yield from _pair([_Client(turn, never) for turn in unit.turns], error.log)
            return
        hanging = unit.hanging | {client.turn[0] for client in met if client.log.fate == "hung"}
        unit = dataclasses.replace(unit, turns=left, hanging=hanging)
        runs = list(_pair(met, log))
        to_blame = len(runs) > 1 and (log.fate == "absent" or _shows_an_error(runs[0].server.events))
        again = dict.fromkeys(client.turn for client in met if to_blame and client.turn[0] not in hanging)
        for client, run in zip(met, runs, strict=True):
            if client.turn not in again and client.skipped is not CUT_OFF:
                yield run if client.skipped is None else (run.pairing, client.skipped)
        for turn in again:
            yield from _meet(servers, clients, dataclasses.replace(unit, turns=[turn]))


def _serve_clients(servers: Launcher, clients: Launcher, unit: Unit) -> tuple[Log, list[_Client], list[Turn]]:
    """Start a server, and its clients one after another: its log, the clients that it had, and those that are left
    for another. Raises NotReady and Skip."""
    met: list[_Client] = []
    left = deque(unit.turns)
    lines = 0
    with _folder(unit) as folder:
        process, address = serve(servers, unit.scenario, unit.transport, unit.server, folder)
        with contextlib.suppress(Closed):
            while left:
                turn = left.popleft()
                for _ in range(0 if hung(unit.reference, unit.hanging, turn[0]) else TRIES):
                    met.append(client := _run_client(clients, unit, folder, turn, address))
                    lines += len(client.log.lines)
                    if client.skipped is not TOO_BUSY:
                        break
                if len(process.lines) + lines >= LINES_EACH or (met and met[-1].log.fate == "hung"):
                    break
        return process.stop(), met, list(left)


def _shows_an_error(events: Sequence[Event]) -> bool:
    """Whether a server tells of an error that is none of a connection."""
    own = [event for event in events if not is_connection(event.speaker)]
    printed = (event.message if event.name == "unreadable" else "" for event in own)
    return any("traceback" in event.fields for event in own) or first_error(printed) is not None


def _run_client(launcher: Launcher, unit: Unit, folder: Path, turn: Turn, address: tuple[str, int]) -> _Client:
    """Run a client to its end; through a relay, which watches the wire, where one of the two may tell nothing."""
    scenario, transport, (pairing, _), (_, port), relay = unit.scenario, unit.transport, turn, address, None
    with contextlib.ExitStack() as stack:
        if not (pairing.server.takes_options and pairing.client.takes_options):
            relay = stack.enter_context(Relay(HOSTS[transport.name], address, scenario.deadline_s))
            port = relay.port
        command, payload = client_command(scenario, transport, pairing, folder, port)
        try:
            with heartbeat(scenario.late_s):
                log = launched(launcher, command, payload).wait(scenario.deadline_s)
            skipped = not_supported(pairing.client, log)
        except NotReady as error:
            log, skipped = error.log, error.lacking
        except Busy:
            skipped = TOO_BUSY
        if launcher.is_closed:
            skipped = CUT_OFF
    return _Client(turn, log, relay.events() if relay is not None else {}, skipped)


def _pair(met: Sequence[_Client], server: Log) -> Iterator[Run]:
    """Give each client its part of the server's log: the server's own life, and the connections that it made."""
    blocks = places(server.events)
    life = set(range(len(server.events))).difference(*blocks)
    # What was seen on the wire has the port that the server sees.
    told = [[server.events[place] for place in block] for block in blocks]
    owners = _owners(told, [client.wire.get("client", client.log.events) for client in met])
    of_turn: list[list[int]] = [[] for _ in met]
    for block, owner in zip(blocks, owners, strict=True):
        of_turn[owner] += block
    for client, mine in zip(met, of_turn, strict=True):
        logs: dict[Side, Log] = {"server": server.part(sorted([*life, *mine])), "client": client.log}
        silent = tuple(side for side in SIDES if client.wire and not tells(logs[side].events))
        logs |= {side: dataclasses.replace(logs[side], events=client.wire[side]) for side in silent}
        yield Run(*client.turn, logs["server"], logs["client"], silent, client.wire.get("client", ()))


def _owners(blocks: Sequence[Sequence[Event]], clients: Sequence[Sequence[Event]]) -> list[int]:
    """Which client made each of the server's connections: the one that tells its port, else the next one in order
    that was connected. What then is left belongs to the client that was there when it began, else to that of the
    connection before: no line of a log is dropped."""
    owners: dict[int, int] = {}
    free: dict[str, deque[int]] = {}
    for place, block in enumerate(blocks):
        free.setdefault(block[0].speaker, deque()).append(place)
    unclaimed = (place for place in range(len(blocks)) if place not in owners)  # by when it is asked
    for turn, events in enumerate(clients):
        for block in connections(events):
            told = told_speaker(block)
            if free.get(told):
                owners[free[told].popleft()] = turn
            elif any(event.name in CONNECTED for event in block) and (following := next(unclaimed, None)) is not None:
                owners[free[blocks[following][0].speaker].popleft()] = turn
    ends_ns = [events[-1].t_ns or 0 if events else 0 for events in clients]
    owner, found = 0, []
    for place, block in enumerate(blocks):
        if place in owners:
            owner = owners[place]
        elif began_ns := block[0].t_ns:  # the client that ran then is the first that did not end before it
            owner = next((turn for turn, end_ns in enumerate(ends_ns) if end_ns >= began_ns), owner)
        found.append(owner)
    return found
