"""A server's live connections, with its limits.

A limit acts through `transport.abort()`, which both APIs hear of as the end of the connection.
"""

import asyncio
import contextlib
import itertools
import math
from collections.abc import Callable

from common.connections import ConnectionLog, log_class
from common.logs import tells
from common.sockets import KEEP_ALIVE_IS_INHERITED, keep_alive, unacknowledged_bytes


class LiveConnections:
    """The live connections of one server, with its limits: how many at once, and how long without progress.

    The set also keeps the transports alive: asyncio refers only weakly to one that has paused reading, and would let
    it vanish without a callback. Times are in seconds of `clock`, by default that of the running loop.
    """

    def __init__(
        self, *, limit: int | None = None, idle_timeout_s: float | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        self._new_log, self._tells_accepted = log_class(), tells("accepted")
        self._limit = limit
        self._idle_timeout_s = idle_timeout_s
        self._clock = clock or asyncio.get_running_loop().time
        self._live: dict[asyncio.WriteTransport, tuple[ConnectionLog, float]] = {}  # since when, on our clock
        self._looks: dict[asyncio.WriteTransport, _Look] = {}
        self._refused: set[asyncio.WriteTransport] = set()
        self._nobody: asyncio.Event | None = None  # where somebody waits for it: set when the last has gone
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._live) + len(self._refused)

    def add(self, transport: asyncio.WriteTransport) -> ConnectionLog:
        """A peer connected: the log of its connection. Beyond the limit the transport is aborted at once, and the API
        reports the end as it reports any other."""
        log = self._new_log()
        if not KEEP_ALIVE_IS_INHERITED:
            keep_alive(transport)
        if self._limit is not None and len(self._live) >= self._limit:
            self._refused.add(transport)
            self._cut(transport, log, "refused", limit=self._limit)
            return log
        if self._tells_accepted:
            self._introduce(log, transport)
            log.tell("accepted")
        self._live[transport] = log, self._clock()
        return log

    def discard(self, transport: asyncio.WriteTransport) -> None:
        """The API is done with the connection."""
        self._live.pop(transport, None)
        self._refused.discard(transport)
        if self._nobody is not None and not len(self):
            self._nobody.set()

    async def wait_until_none(self) -> None:
        """Return once nobody is connected."""
        while len(self) > 0:
            self._nobody = asyncio.Event()
            await self._nobody.wait()

    def cut_all(self) -> None:
        """End every connection now; what it has not sent yet is lost."""
        for transport, (log, _) in list(self._live.items()):
            self._cut(transport, log, "cut")

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
        self._looks = {one: self._looks.get(one) or _Look(one, *self._live[one]) for one in self._live}
        for transport, look in self._looks.items():
            if look.idle_s(self._clock()) >= limit_s:
                self._cut(transport, look.log, "idle", limit_s=limit_s)

    def _introduce(self, log: ConnectionLog, transport: asyncio.WriteTransport) -> None:
        """Name the log before its first line. At log level warning most have none, and to ask is dear on uvloop."""
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            log.name = f"echo_{peer[0]}_{peer[1]}"
        else:
            # A Unix peer has no address. One that was reset at once has lost it on uvloop, which asks for it too late.
            log.name = f"echo_{'unknown' if peer is None else 'unix'}_{next(self._numbers)}"
        log.opened(transport)

    def _cut(self, transport: asyncio.WriteTransport, log: ConnectionLog, event: str, **values: object) -> None:
        """End a connection now, and tell why."""
        # asyncio, up to 3.13 at least, raises AttributeError where close() had something to flush and has just done so,
        # over TLS also where it is asked for addresses. It is over then; only its owner has not had its turn yet.
        try:
            if not log.name:
                self._introduce(log, transport)
        except AttributeError:
            return
        log.tell_ending(event, **values)
        with contextlib.suppress(AttributeError):
            transport.abort()


class _Look:
    """When something last moved on a connection: found by looking now and then, so that the hot path pays nothing.

    A slow reader lives on what the kernel has taken, some MiB, of which the loop hears nothing until there is room
    again. So where nothing else has moved since the last look the kernel is asked, until it holds nothing any more.
    """

    def __init__(self, transport: asyncio.WriteTransport, log: ConnectionLog, since_s: float) -> None:
        self._transport = transport
        self.log = log
        self._moved_s = since_s
        self._seen = (0, 0)
        self._held_bytes: int | None = None  # by the kernel; None: not asked since something else has moved

    def idle_s(self, now_s: float) -> float:
        """Note what has moved since the last look; how long nothing has, in seconds."""
        try:
            seen = (self.log.received_bytes, self._transport.get_write_buffer_size())
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
