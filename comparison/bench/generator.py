"""The load generator: a program of its own with plain non-blocking sockets and epoll, and no event loop of anybody's.

`python -m comparison.bench.generator LOAD` takes a `plan.Load` as a JSON object, and prints what is measured in a
`plan.Sample` as one. It uses neither of the APIs that are compared, so it favours none. Each load ends in bounded time.
A connection that breaks is counted and left out, and the others go on: nothing that a server does is an exception here.
"""

import gc
import itertools
import json
import selectors
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE
from time import perf_counter, perf_counter_ns
from typing import Any

from comparison import shapes
from comparison.bench.connections import Connection, Traffic, how_it_broke
from comparison.bench.plan import WARM_UP_S, Load
from comparison.bench.resources import Gone, Watched, used_for

OPENING_AT_ONCE = 64  # fewer than any server's backlog, or the kernel drops some, and repeats them only after 1 s
LOOK_S = 0.1  # how often a deadline is looked at while nothing comes
SPIN_S = 0.002  # a wait is too short for epoll below this, which counts in milliseconds: the open loop looks again
HALF = 0.5  # of what a server can do: a service is not run at its limit

Found = tuple[Mapping[str, float], list[int]]  # the figures, and latencies in nanoseconds


class Crowd:
    """The connections of one load: a `with` block has them open, and closes those that are left at its end. Why others
    broke is added to `reasons`."""

    def __init__(self, load: Load, connections: int, reasons: list[str]) -> None:
        self.load, self.reasons, self._wanted = load, reasons, connections
        self.open: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._traffic = Traffic(load.cell)

    def __enter__(self) -> "Crowd":
        """Open them, a few at a time, with one echo on each, so that the server has really accepted it. Those that
        break meanwhile, or take longer than the patience, are left out and named."""
        for begun in range(0, self._wanted, OPENING_AT_ONCE):
            for number in range(begun, min(begun + OPENING_AT_ONCE, self._wanted)):
                try:
                    connection = Connection(self.load.address, self._traffic, number)
                except OSError as error:
                    self.reasons.append(how_it_broke(error))
                    continue
                self.open.add(connection)
                self._selector.register(connection.socket, EVENT_READ | EVENT_WRITE, connection)
            if not list(self.awaited()):
                break  # and the next would fare no better
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self.open):
            self._drop(connection)
        self._selector.close()

    def _drop(self, connection: Connection, *reasons: str) -> None:
        self.reasons += reasons
        self.open.discard(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def received(self, timeout_s: float) -> Iterator[tuple[Connection, int]]:
        """The connections on which messages are complete, and how many; 1 of one that has come to its end, and is
        dropped. What waits to be sent is sent."""
        for key, events in self._selector.select(timeout_s):
            if complete := self.serve(key.data, events):
                yield key.data, complete

    def serve(self, connection: Connection, events: int = 0, count: int = 0) -> int:
        """Take what has come on a connection, send the next messages; what completes. One that breaks is dropped."""
        try:
            complete = connection.receive() if events & EVENT_READ else 0
            if count or connection.unsent:
                connection.send(count)
        except OSError as error:
            self._drop(connection, how_it_broke(error))
            return 0
        if connection.has_ended:
            self._drop(connection)
            return 1
        if connection.unsent or events & EVENT_WRITE:
            wanted = EVENT_READ | EVENT_WRITE if connection.unsent else EVENT_READ
            self._selector.modify(connection.socket, wanted, connection)
        return complete

    def leave(self) -> int:
        """End every connection, and wait until the server has closed it, too; how many ended well."""
        for connection in self.open:
            connection.half_close()
        return sum(count for _, count in self.awaited("not closed by the server"))

    def awaited(self, otherwise: str = "no answer") -> Iterator[tuple[Connection, int]]:
        """What is received until the server owes nothing more. Who waits for longer than the patience is dropped."""
        deadline_s, awaited = perf_counter() + self.load.patience_s, list(self.open)
        while awaited := [one for one in awaited if one in self.open and one.waiting]:
            if perf_counter() > deadline_s:
                break
            yield from self.received(LOOK_S)
        for connection in awaited:
            self._drop(connection, f"{otherwise} within {self.load.patience_s:g} s")


def _one_leaves(load: Load) -> None:
    """Somebody comes, sends and leaves while the others stay, as in any service that has run for a while: asyncio reads
    into blocks of 256 KiB, and once the heap's spare room is used up glibc maps and unmaps one for each read, at up to
    three times the cost of a small echo, until one is first freed in one piece: at an EOF after traffic."""
    with Crowd(load, 1, []) as crowd:
        crowd.leave()


# --- Closed loops ---
def echo(load: Load, reasons: list[str]) -> Found:
    """On each connection so many requests in flight, and the next when one is back; after a warm-up, and for all but
    `fresh` after somebody has left."""
    with Crowd(load, load.cell.connections, reasons) as crowd:
        _exchange(crowd, WARM_UP_S)
        if load.cell.workload != "fresh":
            _one_leaves(load)
        return used_for(lambda: _exchange(crowd, load.sample_s), load.server_pid), []


def _exchange(crowd: Crowd, length_s: float) -> int:
    """Keep the connections busy for so long, and wait for the last answers; how many came."""
    count = 0
    for connection in list(crowd.open):
        crowd.serve(connection, count=crowd.load.cell.in_flight)
    end_s = perf_counter() + length_s
    while (at_s := perf_counter()) < end_s and crowd.open:
        for connection, complete in crowd.received(min(LOOK_S, end_s - at_s)):
            count += complete
            crowd.serve(connection, count=complete)
    return count + sum(complete for _, complete in crowd.awaited())


def connect(load: Load, reasons: list[str]) -> Found:
    """Connect, one echo, close, again and again: so many at once as there are connections."""

    def come_and_go(length_s: float) -> int:
        count, end_s = 0, perf_counter() + length_s
        # A server that refuses all is not asked for ever.
        while perf_counter() < end_s and len(reasons) < load.cell.connections:
            with Crowd(load, load.cell.connections, reasons) as crowd:
                count += crowd.leave()
        return count

    come_and_go(WARM_UP_S)
    reasons.clear()
    return used_for(lambda: come_and_go(load.sample_s), load.server_pid), []


# --- An open loop ---
def half(load: Load, reasons: list[str]) -> Found:
    """Requests at half of what this server can do, which is found out first."""
    with Crowd(load, load.cell.connections, reasons) as crowd:
        _exchange(crowd, WARM_UP_S)
        _one_leaves(load)
        began_s = perf_counter()
        rate_per_s = max(1.0, HALF * _exchange(crowd, load.sample_s / 2) / (perf_counter() - began_s))
        latencies_ns: list[int] = []
        return used_for(lambda: on_time(crowd, rate_per_s, latencies_ns), load.server_pid), latencies_ns


def on_time(crowd: Crowd, rate_per_s: float, latencies_ns: list[int]) -> int:
    """Send at a rate for the length of the sample, and wait for the last answers; how many came, and when. Requests
    leave when their time has come, whether or not the answer before is back. The latency counts from the time when a
    request should have left, so a server that stalls cannot hide it (no coordinated omission)."""
    due_ns: dict[Connection, deque[int]] = {connection: deque() for connection in crowd.open}

    def take(received: Iterable[tuple[Connection, int]]) -> None:
        for connection, complete in received:
            came_ns = perf_counter_ns()
            latencies_ns.extend(came_ns - due_ns[connection].popleft() for _ in range(complete))

    start_ns, wanted = perf_counter_ns(), max(1, round(crowd.load.sample_s * rate_per_s))
    for number, connection in zip(range(wanted), itertools.cycle(due_ns)):
        at_ns = start_ns + round(number / rate_per_s * 1e9)
        while crowd.open and (wait_s := (at_ns - perf_counter_ns()) / 1e9) > 0:
            take(crowd.received(max(0.0, wait_s - SPIN_S)))
        if connection in crowd.open:
            due_ns[connection].append(at_ns)
            crowd.serve(connection, count=1)
    take(crowd.awaited())
    return len(latencies_ns)


# --- Memory ---
def memory(load: Load, reasons: list[str]) -> Found:
    """Resident memory of the server: with nobody, with all connections open and idle, and with as many once more."""
    _one_leaves(load)
    server = Watched(load.server_pid)
    empty_bytes, taken = server.resident_bytes(), []
    for _ in range(2):
        with Crowd(load, load.cell.connections, reasons) as crowd:
            taken.append((len(crowd.open), server.resident_bytes()))
            crowd.leave()
    (held, full_bytes), (_, again_bytes) = taken
    values = {
        "held": held,
        "empty_bytes": empty_bytes,
        "full_bytes": full_bytes,
        "per_connection_bytes": (full_bytes - empty_bytes) / max(1, held),
        "again_bytes": again_bytes - full_bytes,
    }
    return values if held else {}, []


# --- The program ---
WORKLOADS = {"echo": echo, "fresh": echo, "lines": echo, "connect": connect, "memory": memory, "half": half}


def histogram(values_ns: Iterable[int]) -> dict[int, int]:
    """How many latencies there were of each: to three digits, which is within 0.5 % of every one."""
    return dict(Counter(int(float(f"{value_ns:.2e}")) for value_ns in values_ns))


def run(load: Load) -> dict[str, Any]:
    """Put one load on one server: what of a sample is measured, and what became of how many connections."""
    reasons: list[str] = []
    try:
        values, latencies_ns = WORKLOADS[load.cell.workload](load, reasons)
    except Gone:
        return {"values": {}, "troubles": ("the server ended while it was measured",)}
    troubles = tuple(f"{count} connection{'s' * (count != 1)}: {why}" for why, count in Counter(reasons).items())
    if not values and not troubles:
        troubles = (f"nothing came back in {load.sample_s:g} s",)
    return {"values": values, "latencies": histogram(latencies_ns), "troubles": troubles}


if __name__ == "__main__":
    gc.disable()  # it makes no cycles, and a collection would show as latency of the server
    print(json.dumps(run(shapes.make(Load, json.loads(sys.argv[1])))), flush=True)
