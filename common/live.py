"""A server's live connections, with its limits.

A limit acts through `transport.abort()`, which both APIs hear of as the end of the connection.
"""

import asyncio
import contextlib
import itertools
import math
from collections.abc import Callable

from common.connections import ConnectionLog, new_log
from common.sockets import keep_alive, unacknowledged_bytes


class LiveConnections:
    """The live connections of one server, with its limits: how many at once, and how long without progress.

    The set also keeps the transports alive: asyncio refers only weakly to one that has paused reading, and would let
    it vanish without a callback. Times are in seconds of `clock`, by default that of the running loop.
    """

    def __init__(
        self, *, limit: int | None = None, idle_timeout_s: float | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self._limit = limit
        self._idle_timeout_s = idle_timeout_s
        self._clock = clock or asyncio.get_running_loop().time
        self._live: dict[asyncio.BaseTransport, _Live] = {}
        self._refused: set[asyncio.BaseTransport] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._live)

    def add(self, transport: asyncio.WriteTransport) -> ConnectionLog:
        """A peer connected: the log of its connection. Beyond the limit the transport is aborted at once, and the API
        reports the end as it reports any other."""
        log = new_log(self._name(transport.get_extra_info("peername")))
        keep_alive(transport)
        log.opened(transport)
        refused = self._limit is not None and len(self._live) - len(self._refused) >= self._limit
        if not refused:
            log.tell("accepted")
        self._live[transport] = live = _Live(transport, log, self._clock())
        self._nobody.clear()
        if refused:
            self._refused.add(transport)
            live.cut("refused", limit=self._limit)
        return log

    def discard(self, transport: asyncio.BaseTransport) -> None:
        """The API is done with the connection."""
        self._live.pop(transport, None)
        self._refused.discard(transport)
        if not self._live:
            self._nobody.set()

    async def wait_until_none(self) -> None:
        """Return once nobody is connected."""
        await self._nobody.wait()

    def cut_all(self) -> None:
        """End every connection now; what it has not sent yet is lost."""
        for live in list(self._live.values()):
            live.cut("cut")

    async def watch_idle(self) -> None:
        """Cut idle connections until cancelled. One task for a server: a time-out around each read would cost a
        third of the echo. A look each 10 ms at most: with the shortest of limits the server would never sleep."""
        while self._idle_timeout_s is not None:
            await asyncio.sleep(min(max(0.01, self._idle_timeout_s / 4), 1.0))
            self.cut_idle()

    def cut_idle(self) -> None:
        """Cut each connection on which nothing has moved for the idle limit: no byte came, none left for the kernel,
        and the peer acknowledged none that the kernel holds.

        That includes a peer that sends and never reads: its connection is paused, and a paused one cannot even notice
        that the peer left. A movement counts from the look that found it, so a cut may come one look late.
        """
        limit_s = math.inf if self._idle_timeout_s is None else self._idle_timeout_s
        for live in list(self._live.values()):
            if live.look(self._clock()) >= limit_s:
                live.cut("idle", limit_s=limit_s)

    def _name(self, peer: object) -> str:
        if isinstance(peer, tuple):
            return f"echo_{peer[0]}_{peer[1]}"
        # A Unix peer has no address. One that was reset at once has lost it on uvloop, which asks for it too late.
        return f"echo_{'unknown' if peer is None else 'unix'}_{next(self._numbers)}"


class _Live:
    """One live connection, and when something last moved on it: found by looking now and then, so that the hot path
    pays nothing.

    A slow reader lives on what the kernel has taken, some MiB, of which the loop hears nothing until there is room
    again. So where nothing else has moved since the last look the kernel is asked, until it holds nothing any more.
    """

    def __init__(self, transport: asyncio.WriteTransport, log: ConnectionLog, now_s: float) -> None:
        self._transport = transport
        self._log = log
        self._moved_s = now_s
        self._seen = (0, 0)
        self._held_bytes: int | None = None  # by the kernel; None: not asked since something else has moved

    def look(self, now_s: float) -> float:
        """Note what has moved since the last look; how long nothing has, in seconds."""
        try:
            seen = (self._log.received_bytes, self._transport.get_write_buffer_size())
        except AttributeError:
            return 0.0  # asyncio's, over TLS, up to 3.13 at least: it is over, and was then closed by its owner
        if seen != self._seen:
            self._seen, self._moved_s, self._held_bytes = seen, now_s, None
        elif self._held_bytes != 0:
            held_bytes = unacknowledged_bytes(self._transport)
            if self._held_bytes is not None and held_bytes != self._held_bytes:
                self._moved_s = now_s
            self._held_bytes = held_bytes
        return now_s - self._moved_s

    def cut(self, event: str, **values: object) -> None:
        """End it now, and tell why."""
        self._log.tell_ending(event, **values)
        # asyncio, up to 3.13 at least, raises AttributeError where close() had something to flush and has just done so.
        # The transport is closed then; only its owner has not had its turn yet.
        with contextlib.suppress(AttributeError):
            self._transport.abort()
