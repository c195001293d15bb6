"""Event loops made from asyncio's, with habits or a defect that others have: `--loop tests.planted_loops:never_eof`.

Each defect is put where a loop of its own would have it, by as little of asyncio's private code as is needed.
"""

import asyncio
import logging
import signal
from asyncio import selector_events


class LikeAsyncio(asyncio.SelectorEventLoop):
    """A loop that no catalogue knows, and that does what asyncio's does."""


def made_by_uvloop() -> asyncio.AbstractEventLoop:
    """One that another package has made."""
    import uvloop

    return uvloop.new_event_loop()


def nameless() -> asyncio.AbstractEventLoop:
    """The same, but it does not say what selector it uses."""
    logger = logging.getLogger("asyncio")
    logger.disabled = True
    try:
        return LikeAsyncio()
    finally:
        logger.disabled = False


class _Transport(selector_events._SelectorSocketTransport):
    """What the transports of a loop with a defect are made from."""


class _LoopOfTransports(asyncio.SelectorEventLoop):
    transport = _Transport

    def _make_socket_transport(self, sock, protocol, waiter=None, *, extra=None, server=None):
        return self.transport(self, sock, protocol, waiter, extra, server)


class _NeverEof(_Transport):
    def _read_ready__on_eof(self):
        self.close()


class never_eof(_LoopOfTransports):
    """Calls no eof_received(): at the end of file it closes the transport."""

    transport = _NeverEof


class _EofAtReset(_Transport):
    def _fatal_error(self, exc, message="Fatal error on transport"):
        if isinstance(exc, ConnectionResetError):
            self._protocol.eof_received()
        super()._fatal_error(exc, message)


class eof_at_reset(_LoopOfTransports):
    """Tells a reset as an end of file first."""

    transport = _EofAtReset


class _NeverResumes(_Transport):
    def _maybe_resume_protocol(self):
        pass


class never_resumes(_LoopOfTransports):
    """Calls pause_writing(), and resume_writing() never."""

    transport = _NeverResumes


class _ReadsOn(_Transport):
    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class reads_on(_LoopOfTransports):
    """Reads on while it was told to pause."""

    transport = _ReadsOn


class _ReadsNoMore(_Transport):
    def resume_reading(self):
        pass


class reads_no_more(_LoopOfTransports):
    """Pauses reading, and never resumes."""

    transport = _ReadsNoMore


class _LostTwice(_Transport):
    def _call_connection_lost(self, exc):
        protocol = self._protocol
        super()._call_connection_lost(exc)
        protocol.connection_lost(exc)


class lost_twice(_LoopOfTransports):
    """Calls connection_lost() twice."""

    transport = _LostTwice


class _EofAHundredTimes(_Transport):
    def _read_ready__on_eof(self):
        for _ in range(99):
            self._protocol.eof_received()
        super()._read_ready__on_eof()


class eof_a_hundred_times(_LoopOfTransports):
    """Calls eof_received() a hundred times."""

    transport = _EofAHundredTimes


class _DataAfterTheEnd(_Transport):
    def _call_connection_lost(self, exc):
        protocol = self._protocol
        super()._call_connection_lost(exc)
        protocol.data_received(b"late")


class data_after_the_end(_LoopOfTransports):
    """Calls data_received() after connection_lost()."""

    transport = _DataAfterTheEnd


class swallows(asyncio.SelectorEventLoop):
    """Keeps all exceptions to itself."""

    def call_exception_handler(self, context):
        pass


class loses_sigterm(asyncio.SelectorEventLoop):
    """Takes a handler for SIGTERM, and does nothing with it."""

    def add_signal_handler(self, sig, callback, *args):
        if sig == signal.SIGTERM:
            signal.signal(sig, signal.SIG_IGN)
        else:
            super().add_signal_handler(sig, callback, *args)


class cannot_connect(asyncio.SelectorEventLoop):
    """Serves, and cannot connect."""

    async def sock_connect(self, sock, address):
        raise OSError(22, "Invalid argument")


class cannot_listen(asyncio.SelectorEventLoop):
    """Connects, and cannot serve."""

    async def create_server(self, *args, **kwargs):
        raise NotImplementedError("this loop has no servers")


class ClosesWhatItIsGiven(asyncio.SelectorEventLoop):
    """Serves from a copy of the listening socket; the object that it was given is closed."""

    def taken(self, sock):
        copy = sock.dup()
        sock.close()
        return copy

    async def create_server(self, factory, *args, sock, **options):
        return await super().create_server(factory, *args, sock=self.taken(sock), **options)


class TakesTheDescriptor(ClosesWhatItIsGiven):
    """Takes the descriptor of the socket, and leaves an empty object behind: as rloop does."""

    def taken(self, sock):
        family, kind, protocol = sock.family, sock.type, sock.proto
        return type(sock)(family, kind, protocol, fileno=sock.detach())
