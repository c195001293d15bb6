"""One connection's account and log lines; a server's set of live connections, with its limits.

Nothing here reads or writes: an implementation says what happened, and a limit acts through `transport.abort()`,
which both APIs hear of as the end of the connection.
"""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import Callable

from common.logs import Narrator, show


class Connection:
    """What passed through one connection, and its log lines.

    This class only counts, which costs next to nothing for each chunk; `NarratedConnection` logs each chunk too.
    """

    def __init__(self, name: str) -> None:
        self.narrator = Narrator(name)
        self.transport: asyncio.BaseTransport | None = None
        self.received_bytes = 0
        self.sent_bytes = 0
        self._ending_told = False

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The API handed out the transport."""
        self.transport = transport

    def received(self, data: bytes) -> None:
        """The API handed out `data`."""
        self.received_bytes += len(data)

    def sending(self, data: bytes) -> None:
        """`data` is about to be given to the API."""
        self.sent_bytes += len(data)

    def sent(self, data: bytes) -> None:
        """The API took `data`, which does not say that it is on the wire yet."""
        self.sent_bytes += len(data)

    def tell(self, event: str, **values: object) -> None:
        """Log `event`, one of `common.logs.EVENTS`; `values` fill its text."""
        self.narrator.tell(event, values)

    def ended(self, error: Exception | None = None) -> None:
        """The connection is over: in good order, or with the error that the API reported.

        An error that is no OSError is a defect of the program. The loop shows its traceback; there is nothing to add
        to that.
        """
        if error is None:
            self.tell_ending("closing")
        elif isinstance(error, OSError):
            self.tell_ending("lost", reason=type(error).__name__)

    def tell_ending(self, event: str, **values: object) -> None:
        """Log how the connection ends, with its totals in the JSON record. One line for each connection: the first
        cause wins."""
        if not self._ending_told:
            self._ending_told = True
            self.narrator.tell(event, values, **self.account())

    def account(self) -> dict[str, object]:
        """What passed, and between whom: the fields of the JSON record of the end."""
        account: dict[str, object] = {"received_bytes": self.received_bytes, "sent_bytes": self.sent_bytes}
        if self.transport is not None:
            account["local"] = _address(self.transport.get_extra_info("sockname"))
            account["peer"] = _address(self.transport.get_extra_info("peername"))
        return account


class NarratedConnection(Connection):
    """A connection that logs each chunk and keeps a digest (BLAKE2b, 16 bytes) of each direction. For log level
    debug."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._received_digest = hashlib.blake2b(digest_size=16)
        self._sent_digest = hashlib.blake2b(digest_size=16)

    def received(self, data: bytes) -> None:
        self._tell_chunk("received", data, self.received_bytes)
        self._received_digest.update(data)
        super().received(data)

    def sending(self, data: bytes) -> None:
        self._tell_chunk("sending", data, self.sent_bytes)
        self._sent_digest.update(data)
        super().sending(data)

    def sent(self, data: bytes) -> None:
        self._tell_chunk("sent", data, self.sent_bytes)
        self._sent_digest.update(data)
        super().sent(data)

    def account(self) -> dict[str, object]:
        return super().account() | {
            "received_digest": self._received_digest.hexdigest(),
            "sent_digest": self._sent_digest.hexdigest(),
        }

    def _tell_chunk(self, event: str, data: bytes, offset: int) -> None:
        self.narrator.tell(event, {"payload": show(data)}, offset=offset, length=len(data))


def new_connection(name: str) -> Connection:
    """A connection that logs chunks only where the log level shows them: decided here, once, not for each chunk."""
    return NarratedConnection(name) if Narrator(name).shows_bytes() else Connection(name)


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
        self._live: dict[Connection, _Progress] = {}
        self._refused: set[Connection] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._unix_numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._live)

    def open(self, transport: asyncio.WriteTransport) -> Connection:
        """A peer connected. Beyond the limit its transport is aborted at once, and the API reports the end as for any
        other.

        Whoever opens must `close`.
        """
        connection = new_connection(self._name(transport.get_extra_info("peername")))
        connection.opened(transport)
        self._live[connection] = _Progress(transport, self._clock())
        self._nobody.clear()
        if self._limit is not None and len(self._live) - len(self._refused) > self._limit:
            self._refused.add(connection)
            self._cut(connection, "refused", limit=self._limit)
        else:
            connection.tell("accepted")
        return connection

    def forget(self, connection: Connection) -> None:
        """The API is done with the connection."""
        self._live.pop(connection, None)
        self._refused.discard(connection)
        if not self._live:
            self._nobody.set()

    async def wait_until_none(self) -> None:
        """Return once nobody is connected."""
        await self._nobody.wait()

    def cut_all(self) -> None:
        """End every connection now; what it has not sent yet is lost."""
        for connection in list(self._live):
            self._cut(connection, "cut")

    async def watch_idle(self) -> None:
        """Cut idle connections until cancelled. One task for a server: a time-out around each read would cost a
        third of the echo."""
        while self._idle_timeout_s is not None:
            await asyncio.sleep(min(self._idle_timeout_s / 4, 1.0))
            self.cut_idle()

    def cut_idle(self) -> None:
        """Cut each connection on which nothing has moved for the idle limit: no byte came, none left for the kernel.

        That includes a peer that sends and never reads: its connection is paused, and a paused one cannot even notice
        that the peer left.
        """
        now_s = self._clock()
        for connection, progress in list(self._live.items()):
            if (
                self._idle_timeout_s is not None
                and progress.idle_s(connection.received_bytes, now_s) >= self._idle_timeout_s
            ):
                self._cut(connection, "idle", limit_s=self._idle_timeout_s)

    def _cut(self, connection: Connection, event: str, **values: object) -> None:
        connection.tell_ending(event, **values)
        # asyncio, up to 3.13 at least, raises AttributeError where close() had something to flush and has just done so.
        # The transport is closed then; only its owner has not had its turn yet.
        with contextlib.suppress(AttributeError):
            self._live[connection].transport.abort()

    def _name(self, peer: object) -> str:
        if isinstance(peer, tuple):
            return f"echo_{peer[0]}_{peer[1]}"
        # A Unix peer has no address. Nor has one that was reset at once, on uvloop, which asks for it too late.
        return f"echo_unix_{next(self._unix_numbers)}"


class _Progress:
    """When something last moved on a connection, found by looking at it now and then: the hot path pays nothing."""

    def __init__(self, transport: asyncio.WriteTransport, now_s: float) -> None:
        self.transport = transport
        self._moved_s = now_s
        self._seen = (0, 0)

    def idle_s(self, received_bytes: int, now_s: float) -> float:
        seen = (received_bytes, self.transport.get_write_buffer_size())
        if seen != self._seen:
            self._seen, self._moved_s = seen, now_s
        return now_s - self._moved_s


def _address(address: object) -> object:
    """Host and port as a list of two, for IPv6 too; the path of a Unix socket, empty for its client; None where it
    is not known."""
    return list(address[:2]) if isinstance(address, tuple) else address
