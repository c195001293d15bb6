"""The loads: each opens connections, keeps them busy for the window of a sample, and ends in bounded time.

A connection that breaks is counted and left out; the others go on. Nothing that a server does is an exception here.
"""

import contextlib
import time
from collections import deque
from collections.abc import Iterator

from comparison.bench.generator.sockets import HUNG_UP, READABLE, WRITABLE, Broken, Connection, Poller, messages
from comparison.bench.generator.spec import Load, Outcome
from comparison.bench.generator.window import Window
from comparison.bench.resources import Gone, Watched

OPENING_AT_ONCE = 64
"""Attempts under way: fewer than any server's backlog, or the kernel drops some, and repeats them only after 1 s."""

SPIN_S = 0.002
"""Below this a wait is too short for epoll, which counts in milliseconds: the open loop looks again and again."""

now_ns = time.perf_counter_ns


def run(load: Load) -> Outcome:
    """Put one load on one server, after as many connections have come and gone: a server in service has seen some.

    It has loaded and grown what it needs then. One thing matters most: asyncio reads into blocks of 256 KiB, and once
    many connections have used up what was free of the heap, glibc maps and unmaps one for each read, at three times the
    cost of a small echo, until for the first time one is freed in one piece, which happens at an EOF.
    """
    try:
        with crowd_of(load, 1 if load.workload == "memory" else load.connections) as before:
            _leave(before)
        return WORKLOADS[load.workload](load)
    except Gone:
        return Outcome({}, {}, ("the server ended while it was measured",))


class Crowd:
    """The open connections of one load, by their descriptors."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.poller = Poller()
        self.texts = messages(load.size_bytes)
        self.open: dict[int, Connection] = {}
        self.made = 0
        self.reasons: list[str] = []
        """Why connections broke."""

    def connect(self) -> Connection | None:
        """Begin one connection; None where that failed at once."""
        try:
            connection = Connection((self.load.host, self.load.port), self.texts, self.made)
        except (Broken, OSError) as error:
            self.reasons.append(str(error) if isinstance(error, Broken) else f"could not be made: {error.strerror}")
            return None
        self.made += 1
        self.open[connection.number] = connection
        self.poller.register(connection.number, WRITABLE)
        return connection

    def drop(self, connection: Connection, reason: str | None = None) -> None:
        """Close a connection; with a reason, as broken."""
        if reason is not None:
            self.reasons.append(reason)
        del self.open[connection.number]
        self.poller.unregister(connection.number)
        connection.close()

    def watch(self, connection: Connection, all_sent: bool) -> None:
        """Wait for its answer, and where something still waits to be sent, for room."""
        self.poller.modify(connection.number, READABLE if all_sent else READABLE | WRITABLE)

    def close(self) -> None:
        for connection in list(self.open.values()):
            self.drop(connection)
        self.poller.close()


@contextlib.contextmanager
def crowd_of(load: Load, connections: int) -> Iterator[Crowd]:
    """Open connections, a few at a time, and one echo on each, so that the server has really accepted it. Those that
    break meanwhile, or take longer than the patience, are left out and named."""
    crowd = Crowd(load)
    try:
        opening: set[int] = set()
        begun = 0
        deadline_ns = now_ns() + round(load.patience_s * 1e9)
        while (begun < connections or opening) and now_ns() < deadline_ns:
            while begun < connections and len(opening) < OPENING_AT_ONCE:
                begun += 1
                if (connection := crowd.connect()) is not None:
                    opening.add(connection.number)
            for number, events in crowd.poller.wait(0.1):
                if number not in opening:
                    continue
                connection = crowd.open[number]
                try:
                    if _greet(crowd, connection, events):
                        opening.discard(number)
                        deadline_ns = now_ns() + round(load.patience_s * 1e9)
                except Broken as broken:
                    opening.discard(number)
                    crowd.drop(connection, str(broken))
        for number in opening:
            crowd.drop(crowd.open[number], f"no answer within {load.patience_s:g} s")
        yield crowd
    finally:
        crowd.close()


def _greet(crowd: Crowd, connection: Connection, events: int) -> bool:
    """One step of a connection's first echo. True once it is back."""
    if events & WRITABLE:
        connection.connected()
        crowd.watch(connection, connection.flush() if connection.greeted else connection.send())
        connection.greeted = True
    return bool(events & (READABLE | HUNG_UP)) and connection.receive() > 0


def echo(load: Load) -> Outcome:
    """Closed loop: on each connection one request, and the next when it is back."""
    with crowd_of(load, load.connections) as crowd:
        window = Window(load)
        started_ns = dict.fromkeys(crowd.open, now_ns())
        for connection in list(crowd.open.values()):
            _send(crowd, connection)
        latencies_ns = window.latencies_ns
        while crowd.open and (ready := _wait(crowd, window)) is not None:
            for number, events in ready:
                connection = crowd.open[number]
                try:
                    if events & WRITABLE:
                        crowd.watch(connection, connection.flush())
                    if events & (READABLE | HUNG_UP) and connection.receive():
                        at_ns = now_ns()
                        latencies_ns.append(at_ns - started_ns[number])
                        started_ns[number] = at_ns
                        if not connection.send():
                            crowd.watch(connection, False)
                except Broken as broken:
                    crowd.drop(connection, str(broken))
        _await_the_last(crowd)
        return _finished(crowd, window)


def _await_the_last(crowd: Crowd) -> None:
    """Each connection has one request in flight: wait for these answers, and name those that do not come."""
    silent = set(crowd.open)
    deadline_ns = now_ns() + round(crowd.load.patience_s * 1e9)
    while silent and now_ns() < deadline_ns:
        for number, events in crowd.poller.wait(0.1):
            connection = crowd.open[number]
            try:
                if events & WRITABLE:
                    crowd.watch(connection, connection.flush())
                if events & (READABLE | HUNG_UP) and connection.receive():
                    silent.discard(number)
            except Broken as broken:
                silent.discard(number)
                crowd.drop(connection, str(broken))
    for number in silent:
        crowd.drop(crowd.open[number], f"no answer within {crowd.load.patience_s:g} s")


def rate(load: Load) -> Outcome:
    """Open loop: requests leave when their time has come, whether or not the answer before is back. The latency counts
    from the time when a request should have left, so a server that stalls cannot hide it (no coordinated omission)."""
    with crowd_of(load, load.connections) as crowd:
        window = Window(load)
        latencies_ns = window.latencies_ns
        due_ns: dict[int, deque[int]] = {number: deque() for number in crowd.open}
        turn = deque(crowd.open)
        gap_ns = 1e9 / load.rate_per_s
        start_ns = now_ns()
        sent = 0
        while crowd.open:
            at_ns = now_ns()
            if at_ns >= window.next_ns and not window.turn():
                break
            while (intended_ns := start_ns + round(sent * gap_ns)) <= at_ns and turn:
                sent += 1
                number = turn[0]
                turn.rotate(-1)
                due_ns[number].append(intended_ns)
                if not _send(crowd, crowd.open[number]):
                    turn = deque(crowd.open)
            wait_s = (intended_ns - now_ns()) / 1e9
            for number, events in crowd.poller.wait(wait_s - SPIN_S if wait_s > SPIN_S else 0.0):
                connection = crowd.open[number]
                try:
                    if events & WRITABLE:
                        crowd.watch(connection, connection.flush())
                    if events & (READABLE | HUNG_UP):
                        complete = connection.receive()
                        at_ns = now_ns()
                        latencies_ns.extend(at_ns - due_ns[number].popleft() for _ in range(complete))
                except Broken as broken:
                    crowd.drop(connection, str(broken))
                    turn = deque(crowd.open)
        # Answers that are still missing are late by at least so much: to leave them out would favour a slow server.
        at_ns = now_ns()
        latencies_ns.extend(at_ns - due for number in crowd.open for due in due_ns[number])
        return _finished(crowd, window)


def connect(load: Load) -> Outcome:
    """Connect, one echo, close: so many at once as there are connections. The latency is that of the whole."""
    crowd = Crowd(load)
    try:
        window = Window(load)
        started_ns: dict[int, int] = {}
        greeted: set[int] = set()
        for _ in range(load.connections):
            _begin(crowd, started_ns)
        while crowd.open and (ready := _wait(crowd, window)) is not None:
            for number, events in ready:
                connection = crowd.open[number]
                try:
                    if number not in greeted:
                        if _greet(crowd, connection, events):
                            greeted.add(number)
                            connection.half_close()
                        continue
                    if not connection.is_at_end():
                        continue
                    window.latencies_ns.append(now_ns() - started_ns[number])
                    crowd.drop(connection)
                except Broken as broken:
                    crowd.drop(connection, str(broken))
                greeted.discard(number)
                if len(crowd.reasons) < load.connections:  # a server that refuses everybody is not asked for ever
                    _begin(crowd, started_ns)
        return _finished(crowd, window)
    finally:
        crowd.close()


def _begin(crowd: Crowd, started_ns: dict[int, int]) -> None:
    begin_ns = now_ns()
    if (connection := crowd.connect()) is not None:
        started_ns[connection.number] = begin_ns


def memory(load: Load) -> Outcome:
    """Resident memory of the server: with nobody, with all connections open, and with nobody again."""
    server = Watched(load.server_pid)
    empty_bytes = server.resident_bytes()
    with crowd_of(load, load.connections) as crowd:
        held = len(crowd.open)
        full_bytes = server.resident_bytes()
        reasons = [*crowd.reasons, *_leave(crowd)]
    with crowd_of(load, 1) as last:  # its answer comes after whatever the server still did for those before
        reasons += [*last.reasons, *_leave(last)]
    left_bytes = server.resident_bytes()
    window = Window(load)
    for reason in reasons:
        window.failed(reason)
    if not held:
        return Outcome({}, {}, window.errors)
    values = {
        "held": float(held),
        "empty_bytes": float(empty_bytes),
        "full_bytes": float(full_bytes),
        "per_connection_bytes": (full_bytes - empty_bytes) / held,
        "left_bytes": float(left_bytes - empty_bytes),
    }
    return Outcome(values, {}, window.errors)


def _leave(crowd: Crowd) -> list[str]:
    """End every connection, and wait until the server has closed it, too; why some did not end well."""
    reasons = []
    for connection in crowd.open.values():
        connection.half_close()
    deadline_ns = now_ns() + round(crowd.load.patience_s * 1e9)
    while crowd.open and now_ns() < deadline_ns:
        for number, _ in crowd.poller.wait(0.1):
            connection = crowd.open[number]
            try:
                if connection.is_at_end():
                    crowd.drop(connection)
            except Broken as broken:
                reasons.append(str(broken))
                crowd.drop(connection)
    reasons += [f"not closed by the server within {crowd.load.patience_s:g} s"] * len(crowd.open)
    return reasons


def _send(crowd: Crowd, connection: Connection) -> bool:
    """Send the next message. False where the connection broke."""
    try:
        if not connection.send():
            crowd.watch(connection, False)
    except Broken as broken:
        crowd.drop(connection, str(broken))
        return False
    return True


def _wait(crowd: Crowd, window: Window) -> list[tuple[int, int]] | None:
    """What is ready; None once the window is over."""
    left_ns = window.next_ns - now_ns()
    if left_ns <= 0:
        if not window.turn():
            return None
        left_ns = window.next_ns - now_ns()
    return crowd.poller.wait(max(0.0, left_ns / 1e9))


def _finished(crowd: Crowd, window: Window) -> Outcome:
    for reason in crowd.reasons:
        window.failed(reason)
    return window.outcome()


WORKLOADS = {"echo": echo, "connect": connect, "memory": memory, "rate": rate}
