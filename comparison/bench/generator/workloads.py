"""The loads: each opens connections, keeps them busy for the window of a sample, and ends in bounded time.

A connection that breaks is counted and left out; the others go on. Nothing that a server does is an exception here.
"""

import functools
import selectors
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from selectors import EVENT_READ, EVENT_WRITE

from comparison.bench.generator.sockets import Broken, Connection, how_it_broke, lines, messages
from comparison.bench.plan import TLS, Load, Sample
from comparison.bench.resources import Gone, Watched, Window

OPENING_AT_ONCE = 64
"""Attempts under way: fewer than any server's backlog, or the kernel drops some, and repeats them only after 1 s."""

LOOK_S = 0.1
"""How often a deadline is looked at while nothing comes."""

SPIN_S = 0.002
"""Below this a wait is too short for epoll, which counts in milliseconds: the open loop looks again and again."""

HALF = 0.5
"""Of what a server can do: a service is not run at its limit."""

now_s = time.perf_counter
now_ns = time.perf_counter_ns


def run(load: Load) -> Sample:
    """Put one load on one server."""
    try:
        return WORKLOADS[load.cell.workload](load)
    except Gone:
        return _sample(load, {}, [], troubles=("the server ended while it was measured",))


class Crowd:
    """The connections of one load: a `with` block has them open, and closes those that are left at its end."""

    def __init__(self, load: Load, connections: int) -> None:
        self.load = load
        self._wanted = connections
        self.open: set[Connection] = set()
        self.reasons: list[str] = []
        """Why connections broke."""
        self._made = 0
        self._selector = selectors.DefaultSelector()
        self._texts = (lines if load.cell.workload == "lines" else messages)(load.cell.size_bytes)
        self._tls = _trusting() if load.cell.transport == TLS else None

    def __enter__(self) -> "Crowd":
        """Open them, a few at a time, with one echo on each, so that the server has really accepted it. Those that
        break meanwhile, or take longer than the patience, are left out and named."""
        for begun in range(0, self._wanted, OPENING_AT_ONCE):
            for _ in range(min(OPENING_AT_ONCE, self._wanted - begun)):
                self.connect()
            if not self.await_answers():
                break  # and the next would fare no better
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self.open):
            self.drop(connection)
        self._selector.close()

    def connect(self) -> None:
        """Begin one connection; it is open when its first message is back."""
        address, in_flight = (self.load.host, self.load.port), self.load.cell.in_flight
        try:
            connection = Connection(address, self._texts, self._made, in_flight, self._tls)
        except OSError as error:
            self.reasons.append(how_it_broke(error))
            return
        self._made += 1
        self.open.add(connection)
        self._selector.register(connection.socket, EVENT_READ | EVENT_WRITE, connection)

    def drop(self, connection: Connection, reason: str | None = None) -> None:
        """Close a connection; with a reason, as broken."""
        if reason is not None:
            self.reasons.append(reason)
        self.open.discard(connection)
        self._selector.unregister(connection.socket)
        connection.close()

    def send(self, connection: Connection, count: int = 1) -> None:
        """Send the next messages on a connection, or drop it."""
        try:
            connection.send(count)
            if not connection.all_sent:
                self._watch(connection)
        except Broken as broken:
            self.drop(connection, str(broken))

    def received(self, timeout_s: float) -> Iterator[tuple[Connection, int]]:
        """The connections on which messages are complete, and how many; 0 of one that has come to its end, and is
        dropped. What waits to be sent is sent."""
        for key, events in self._selector.select(timeout_s):
            connection = key.data
            try:
                if events & EVENT_WRITE:
                    connection.flush()
                complete = connection.receive() if events & EVENT_READ else 0
                if events & EVENT_WRITE or not connection.all_sent:
                    self._watch(connection)
            except Broken as broken:
                self.drop(connection, str(broken))
                continue
            if connection.has_ended:
                self.drop(connection)
            if complete or connection.has_ended:
                yield connection, complete

    def give_up(self, connections: set[Connection], what: str = "no answer") -> None:
        """Name and drop those for which is waited in vain."""
        for connection in connections & self.open:
            self.drop(connection, f"{what} within {self.load.patience_s:g} s")

    def await_answers(self) -> int:
        """Wait for the answers under way, and name the connections on which they do not come; how many came."""
        count = 0
        deadline_s = now_s() + self.load.patience_s
        while (waiting := {one for one in self.open if one.waiting}) and now_s() < deadline_s:
            count += sum(complete for _, complete in self.received(LOOK_S))
        self.give_up(waiting)
        return count

    def _watch(self, connection: Connection) -> None:
        """Wait for its answer, and where something still waits to be sent, for room."""
        wanted = EVENT_READ if connection.all_sent else EVENT_READ | EVENT_WRITE
        self._selector.modify(connection.socket, wanted, connection)


@functools.cache
def _trusting() -> ssl.SSLContext:
    """Takes any certificate: what is measured is the server, on this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# --- Leaving ---
def _leave(crowd: Crowd) -> int:
    """End every connection, and wait until the server has closed it, too; how many ended well."""
    count = 0
    for connection in crowd.open:
        connection.half_close()
    deadline_s = now_s() + crowd.load.patience_s
    while crowd.open and now_s() < deadline_s:
        count += sum(1 for _ in crowd.received(LOOK_S))
    crowd.give_up(crowd.open, "not closed by the server")
    return count


def _one_leaves(load: Load) -> None:
    """Somebody comes, sends and leaves while the others stay, as in any service that has run for a while.

    One thing matters most: asyncio reads into blocks of 256 KiB, and once the connections have used up what was free
    of the heap, glibc maps and unmaps one for each read, at up to three times the cost of a small echo, until for the
    first time such a block is freed in one piece, which happens at an EOF after traffic.
    """
    with Crowd(load, 1) as crowd:
        _leave(crowd)


# --- Closed loops ---
def echo(load: Load) -> Sample:
    """On each connection so many requests in flight, and the next when one is back; after a warm-up, and for all but
    `fresh` after somebody has left."""
    with Crowd(load, load.cell.connections) as crowd:
        _exchange(crowd, load.warm_up_s)
        if load.cell.workload != "fresh":
            _one_leaves(load)
        with Window(load.server_pid) as window:
            count = _exchange(crowd, load.sample_s)
        return _sample(load, window.values(count), crowd.reasons)


def _exchange(crowd: Crowd, length_s: float) -> int:
    """Keep the connections busy for so long, and wait for the last answers; how many came."""
    count = 0
    for connection in list(crowd.open):
        crowd.send(connection, crowd.load.cell.in_flight)
    end_s = now_s() + length_s
    while (at_s := now_s()) < end_s and crowd.open:
        for connection, complete in crowd.received(min(LOOK_S, end_s - at_s)):
            count += complete
            crowd.send(connection, complete)
    return count + crowd.await_answers()


def connect(load: Load) -> Sample:
    """Connect, one echo, close, again and again: so many at once as there are connections."""
    _come_and_go(load, load.warm_up_s)
    with Window(load.server_pid) as window:
        count, reasons = _come_and_go(load, load.sample_s)
    return _sample(load, window.values(count), reasons)


def _come_and_go(load: Load, length_s: float) -> tuple[int, list[str]]:
    """How many came and went in that time, and why others broke. A server that refuses all is not asked for ever."""
    count = 0
    reasons: list[str] = []
    end_s = now_s() + length_s
    while now_s() < end_s and len(reasons) < load.cell.connections:
        with Crowd(load, load.cell.connections) as crowd:
            count += _leave(crowd)
            reasons += crowd.reasons
    return count, reasons


# --- An open loop ---
def half(load: Load) -> Sample:
    """Requests at half of what this server can do, which is found out first."""
    with Crowd(load, load.cell.connections) as crowd:
        _exchange(crowd, load.warm_up_s)
        _one_leaves(load)
        began_s = now_s()
        rate_per_s = max(1.0, HALF * _exchange(crowd, load.sample_s / 2) / (now_s() - began_s))
        with Window(load.server_pid) as window:
            latencies_ns = on_time(crowd, rate_per_s)
        return _sample(load, window.values(len(latencies_ns)), crowd.reasons, latencies_ns)


def on_time(crowd: Crowd, rate_per_s: float) -> list[int]:
    """Send at a rate for the length of the sample, and wait for the last answers; how long each request took.

    Requests leave when their time has come, whether or not the answer before is back. The latency counts from the time
    when a request should have left, so a server that stalls cannot hide it (no coordinated omission)."""
    latencies_ns: list[int] = []
    due_ns: dict[Connection, deque[int]] = {connection: deque() for connection in crowd.open}
    turn = deque(crowd.open)
    gap_ns = 1e9 / rate_per_s
    wanted = max(1, round(crowd.load.sample_s * rate_per_s))
    start_ns = now_ns()
    sent = 0
    deadline_s = now_s() + crowd.load.sample_s + crowd.load.patience_s
    while crowd.open and now_s() < deadline_s and (sent < wanted or any(one.waiting for one in crowd.open)):
        at_ns = now_ns()
        while sent < wanted and (intended_ns := start_ns + round(sent * gap_ns)) <= at_ns and crowd.open:
            sent += 1
            turn.rotate(-1)
            if turn[0] in crowd.open:
                due_ns[turn[0]].append(intended_ns)
                crowd.send(turn[0])
        wait_s = (start_ns + round(sent * gap_ns) - now_ns()) / 1e9 if sent < wanted else LOOK_S
        for connection, complete in crowd.received(wait_s - SPIN_S if wait_s > SPIN_S else 0.0):
            came_ns = now_ns()
            latencies_ns += [came_ns - due_ns[connection].popleft() for _ in range(complete)]
    crowd.give_up({one for one in crowd.open if one.waiting})
    return latencies_ns


# --- Memory ---
def memory(load: Load) -> Sample:
    """Resident memory of the server: with nobody, with all connections open and idle, and with as many once more."""
    _one_leaves(load)
    server = Watched(load.server_pid)
    empty_bytes = server.resident_bytes()
    full_bytes, held, reasons = _filled(load, server)
    again_bytes, _, more = _filled(load, server)
    values = {
        "held": float(held),
        "empty_bytes": float(empty_bytes),
        "full_bytes": float(full_bytes),
        "per_connection_bytes": (full_bytes - empty_bytes) / max(1, held),
        "again_bytes": float(again_bytes - full_bytes),
    }
    return _sample(load, values if held else {}, [*reasons, *more])


def _filled(load: Load, server: Watched) -> tuple[int, int, list[str]]:
    """Memory with a crowd, how many it had, and why some of them broke."""
    with Crowd(load, load.cell.connections) as crowd:
        held, full_bytes = len(crowd.open), server.resident_bytes()
        _leave(crowd)
        return full_bytes, held, crowd.reasons


def _sample(
    load: Load,
    values: Mapping[str, float],
    reasons: Sequence[str],
    latencies_ns: Iterable[int] = (),
    troubles: tuple[str, ...] = (),
) -> Sample:
    """What was measured, and what became of how many connections."""
    counted = Counter(reasons).items()
    troubles += tuple(f"{count} connection{'s' * (count != 1)}: {reason}" for reason, count in counted)
    if not values and not troubles:
        troubles = (f"nothing came back in {load.sample_s:g} s",)
    return Sample(load.cell.key, load.arm, load.round, values, histogram(latencies_ns), troubles)


def histogram(values_ns: Iterable[int]) -> dict[int, int]:
    """How many latencies there were of each: to three digits, which is within 0.5 % of every one."""
    return dict(Counter(int(float(f"{value_ns:.2e}")) for value_ns in values_ns))


WORKLOADS = {"echo": echo, "fresh": echo, "lines": echo, "connect": connect, "memory": memory, "half": half}
