"""Echo servers with one defect each, in both APIs: what a comparison must find out.

`python -m tests.mutants.servers API DEFECT` and then the options of a server.
"""

import asyncio
import contextlib
import os
import signal
import sys
import traceback

import common.lifecycle
import common.live
import common.server
import protocol_impl.server
import streams_impl.server
from common import logs
from common.live import LiveConnections
from common.server import run_server
from tests.mutants.lies import LIES
from tests.mutants.transports import close_politely, say_no_goodbye


class Protocol(protocol_impl.server.EchoServer):
    """Without a defect; its bytes pass through `write`."""

    def data_received(self, data):
        self.log.received(data)
        self.write(data)
        self.log.sent(data)

    def write(self, data):
        self.transport.write(data)


class Streams:
    """A writer without a defect."""

    def __init__(self, writer):
        self.writer = writer

    def __getattr__(self, name):
        return getattr(self.writer, name)

    @property
    def transport(self):
        return self.writer.transport

    @staticmethod
    def afterwards():
        """Called when the connection was served."""


def altered(change):
    """Both servers, which write `change(data)`, called once for each connection's first chunk."""

    class AltersProtocol(Protocol):
        done = False

        def write(self, data):
            super().write(data if self.done else change(data))
            self.done = True

    class AltersStreams(Streams):
        done = False

        def write(self, data):
            self.writer.write(data if self.done else change(data))
            self.done = True

    return AltersProtocol, AltersStreams


class DeafProtocol(Protocol):
    """Reads on, whatever is still to be sent."""

    def pause_writing(self):
        pass

    def resume_writing(self):
        pass


class DeafStreams(Streams):
    async def drain(self):
        await asyncio.sleep(0)


class OpenProtocol(Protocol):
    """Stays connected when its peer has sent everything."""

    def eof_received(self):
        super().eof_received()
        return True


class OpenStreams(Streams):
    def close(self):
        pass

    async def wait_closed(self):
        await self.writer.wait_closed()


class LoudProtocol(Protocol):
    """Does its work, and then fails."""

    def connection_lost(self, error):
        super().connection_lost(error)
        raise ValueError("a defect of the program")


class LoudStreams(Streams):
    @staticmethod
    def afterwards():
        raise ValueError("a defect of the program")


class ResetLoudProtocol(Protocol):
    """Takes a peer that resets the connection for a defect."""

    def connection_lost(self, error):
        super().connection_lost(error)
        if error is not None:
            raise error


class ResetLoudStreams(Streams):
    async def wait_closed(self):
        try:
            await self.writer.wait_closed()
        except OSError:
            traceback.print_exc()
            raise


class HastyProtocol(Protocol):
    """Leaves at EOF, whatever is still to be sent."""

    def eof_received(self):
        super().eof_received()
        self.transport.abort()


class HastyStreams(Streams):
    def close(self):
        self.writer.transport.abort()


class TrustingProtocol(Protocol):
    """Takes every end that comes after EOF for a good one."""

    at_eof = False

    def eof_received(self):
        super().eof_received()
        self.at_eof = True

    def connection_lost(self, error):
        super().connection_lost(None if self.at_eof else error)


class TrustingStreams(Streams):
    async def wait_closed(self):
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


SHARED = bytearray()


class SharedProtocol(Protocol):
    """Answers a turn later, from a buffer that all connections share."""

    def write(self, data):
        SHARED[:] = data
        asyncio.get_running_loop().call_soon(lambda: self.transport.write(bytes(SHARED)))


class SharedStreams(Streams):
    def write(self, data):
        SHARED[:] = data

    async def drain(self):
        await asyncio.sleep(0)
        self.writer.write(bytes(SHARED))
        await self.writer.drain()


KEPT = []


def keep(data):
    KEPT.append(bytes(data))
    return data


class KeepsProtocol(Protocol):
    """Never forgets a byte."""

    def write(self, data):
        super().write(keep(data))


class KeepsStreams(Streams):
    def write(self, data):
        self.writer.write(keep(data))


def miscounts(account):
    """Tell of one byte more than there were."""

    def told(log):
        fields = account(log)
        return fields | {"received_bytes": fields["received_bytes"] + 1}

    return told


def miscount():
    from common.connections import ChunkLog

    ChunkLog.account = miscounts(ChunkLog.account)


def ignore_sigterm():
    common.lifecycle.STOP_SIGNALS = (signal.SIGINT,)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def forget_idle():
    async def watch(live):
        await asyncio.Event().wait()

    LiveConnections.watch_idle = watch


def spin():
    """Never wait for anything."""

    async def spins(live):
        while True:
            await asyncio.sleep(0)

    LiveConnections.watch_idle = spins


def spin_at_the_end():
    """Look again and again whether the last client has left, instead of waiting for it."""

    async def looks(live):
        while len(live):
            await asyncio.sleep(0)

    LiveConnections.wait_until_none = looks


def flush_at_abort():
    """Cut a connection only when its peer has read all that is held for it."""

    def cut(live, transport, log, event, **values):
        log.tell_ending(event, **values)
        transport.close()

    LiveConnections._cut = cut


def go_on_accepting():
    async def nothing(sockets, servers):
        pass

    common.server.stop_accepting = nothing


def halve_limits():
    """Fire at half the time."""
    finish, cut_idle = common.server.finish, LiveConnections.cut_idle

    def halved(live):
        limit_s = live._idle_timeout_s
        live._idle_timeout_s = limit_s / 2
        cut_idle(live)
        live._idle_timeout_s = limit_s

    common.server.finish = lambda live, grace_s: finish(live, grace_s / 2)
    LiveConnections.cut_idle = halved


def leave_socket():
    unlink = os.unlink
    os.unlink = lambda path, **more: None if os.fspath(path).startswith("/") else unlink(path, **more)


def fail_when_stopped():
    """Fail at SIGTERM, then fail to clean up, and leave the Unix socket."""
    leave_socket()

    async def fail(*_):
        try:
            raise ExceptionGroup("several", [OSError(9, "Bad file descriptor"), ValueError("another")])
        finally:
            None.close()

    common.server.stop_accepting = fail


def ask_for_no_certificate():
    """Serve clients without a certificate, too."""
    given = common.server.server_tls

    def without(config):
        arguments = given(config)
        if "ssl" in arguments and arguments["ssl"] is not None:
            import ssl

            arguments["ssl"].verify_mode = ssl.CERT_NONE
        return arguments

    common.server.server_tls = without


def tell_more_after_a_cut():
    """Go on telling of a connection that was cut."""
    cut = LiveConnections._cut

    def cuts(live, transport, log, event, **values):
        cut(live, transport, log, event, **values)
        logs.tell(log.name, "sent", {"offset": log.sent_bytes, "length": 1}, payload="b'x'")

    LiveConnections._cut = cuts


def keep_the_room():
    """Take one client less for each that has left."""
    discard = LiveConnections.discard

    def discards(live, transport):
        discard(live, transport)
        live._limit -= 1

    LiveConnections.discard = discards


def see_no_movement():
    """Count the idle limit from the beginning of a connection."""
    common.live._Look.idle_s = lambda look, now_s: now_s - vars(look).setdefault("first_look_s", now_s)


def see_only_its_own_buffer():
    """Know nothing of what the kernel holds for a peer."""
    common.live.unacknowledged_bytes = lambda transport: 0


class _HeedsSignals:
    """The module signal, by which nothing can be ignored."""

    def __getattr__(self, name):
        return getattr(signal, name)

    def signal(self, number, handler):
        pass


def heed_late_signals():
    """Let a signal that comes when the server is ending anyway have its usual effect."""
    common.lifecycle.signal = _HeedsSignals()


SERVERS = {
    "nothing": (Protocol, Streams),
    "drops-a-byte": altered(lambda data: data[:-1]),
    "doubles-a-byte": altered(lambda data: data[:1] + data),
    "adds-a-newline": altered(lambda data: data + b"\n"),
    "alters-a-byte": altered(lambda data: bytes([data[0] ^ 1]) + data[1:]),
    "ignores-back-pressure": (DeafProtocol, DeafStreams),
    "never-closes": (OpenProtocol, OpenStreams),
    "shows-a-traceback": (LoudProtocol, LoudStreams),
    "shows-a-traceback-at-a-reset": (ResetLoudProtocol, ResetLoudStreams),
    "leaves-at-eof": (HastyProtocol, HastyStreams),
    "trusts-every-end": (TrustingProtocol, TrustingStreams),
    "shares-a-buffer": (SharedProtocol, SharedStreams),
    "keeps-everything": (KeepsProtocol, KeepsStreams),
}
"""Defects in how one connection is served."""

PROGRAMS = {
    "miscounts": miscount,
    "ignores-sigterm": ignore_sigterm,
    "forgets-the-idle-limit": forget_idle,
    "spins": spin,
    "spins-at-the-end": spin_at_the_end,
    "flushes-at-abort": flush_at_abort,
    "goes-on-accepting": go_on_accepting,
    "halves-its-limits": halve_limits,
    "leaves-its-socket": leave_socket,
    "asks-for-no-certificate": ask_for_no_certificate,
    "tells-more-after-a-cut": tell_more_after_a_cut,
    "keeps-the-room": keep_the_room,
    "sees-no-movement": see_no_movement,
    "sees-only-its-own-buffer": see_only_its_own_buffer,
    "heeds-late-signals": heed_late_signals,
    "closes-politely": close_politely,
    "says-no-goodbye": say_no_goodbye,
    "prints": lambda: print("debug", flush=True),
    "says-wrong-exit-code": lambda: None,
    "fails-when-it-is-stopped": fail_when_stopped,
    **LIES,
}
"""Defects of the program around it."""


def main():
    api, defect = sys.argv[1:3]
    del sys.argv[1:3]
    PROGRAMS.get(defect, lambda: None)()
    protocol, streams = SERVERS.get(defect, SERVERS["nothing"])
    if api == "protocol":
        protocol_impl.server.EchoServer = protocol
        code = run_server(protocol_impl.server.start)
    else:
        serve = streams_impl.server.echo_server

        async def echo_server(reader, writer, *more):
            await serve(reader, streams(writer), *more)
            streams.afterwards()

        streams_impl.server.echo_server = echo_server
        code = run_server(streams_impl.server.start)
    return 3 if defect == "says-wrong-exit-code" else code


if __name__ == "__main__":
    sys.exit(main())
