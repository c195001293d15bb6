"""What the idle limit takes for progress, on real sockets and by a clock that is set by hand: what the peer takes from
the kernel counts, though the loop hears nothing of it; and what keep-alive is for: a peer whose link is gone."""

import asyncio
import socket
import ssl

import pytest
from harness import DEADLINE_S, HOST, Endpoint, client_of

from common import sockets
from common.config import KEEP_ALIVE_EVERY_S, KEEP_ALIVE_IDLE_S, KEEP_ALIVE_PROBES
from common.live import LiveConnections
from common.loops import loop_factory
from common.options import parse_server
from common.sockets import unacknowledged_bytes

LIMIT_S = 10.0
STEPS = 8
"""So often the peer reads what makes its kernel tell; together far less than makes the loop send more over TCP."""

LARGE = bytes(32 << 20)


class Sends(asyncio.Protocol):
    """Sends more than all buffers on the way hold."""

    def __init__(self, live):
        self.live = live

    def connection_made(self, transport):
        self.transport = transport
        self.log = self.live.add(transport)
        transport.write(LARGE)


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


async def settled(protocol):
    """Wait until no more goes out by itself; what is in the transport's buffer then, and in the kernel's."""
    same, before = 0, None
    while same < 50:
        await asyncio.sleep(0)
        now = protocol.transport.get_write_buffer_size(), unacknowledged_bytes(protocol.transport)
        same, before = (same + 1 if now == before else 0), now
    return before


async def met(transport, request, clock):
    """A connection that is stuck, and its peer, which has read nothing yet."""
    live, made = LiveConnections(idle_timeout_s=LIMIT_S, clock=clock), []
    tls = {}
    if transport == "tls":
        files = request.getfixturevalue("certificates")
        tls["ssl"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls["ssl"].load_cert_chain(files.cert, files.key)
    if transport == "unix":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(request.getfixturevalue("tmp_path") / "s"))
    else:
        listener = socket.create_server((HOST, 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: made.append(Sends(live)) or made[-1], sock=listener, **tls)
    address = server.sockets[0].getsockname()

    def connected():
        peer = socket.socket(socket.AF_UNIX if transport == "unix" else socket.AF_INET)
        peer.settimeout(DEADLINE_S)
        peer.connect(address)
        if tls:
            context = ssl.create_default_context(cafile=files.ca)
            return context.wrap_socket(peer, server_hostname="localhost")
        return peer

    peer = await loop.run_in_executor(None, connected)
    while len(live) == 0:
        await asyncio.sleep(0)
    await settled(made[0])
    for _ in range(3):  # what has moved until now, and from where on the kernel is watched
        live.cut_idle()
    return server, live, made[0], peer


def played(loop, main):
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        return runner.run(main)


@pytest.mark.parametrize("transport", ["tcp", "unix", "tls"])
def test_a_peer_that_reads_slowly_is_not_idle_and_one_that_reads_no_more_is(loop, transport, request):
    clock = Clock()

    async def main():
        server, live, protocol, peer = await met(transport, request, clock)
        with peer:
            for _ in range(STEPS):
                before = now = await settled(protocol)
                while now == before:
                    peer.recv(4096)
                    now = await settled(protocol)
                clock.now_s += 0.9 * LIMIT_S
                live.cut_idle()
                assert not protocol.transport.is_closing()
            clock.now_s += 0.9 * LIMIT_S
            live.cut_idle()
            assert not protocol.transport.is_closing()
            clock.now_s += 0.2 * LIMIT_S
            live.cut_idle()
            assert protocol.transport.is_closing()
            server.close()

    played(loop, main())


def test_while_bytes_move_the_kernel_is_not_asked_and_where_it_holds_nothing_only_once(loop, request, monkeypatch):
    clock, asked = Clock(), []

    def noted(transport):
        asked.append(transport)
        return 0

    monkeypatch.setattr("common.live.unacknowledged_bytes", noted)

    async def main():
        server, live, protocol, peer = await met("tcp", request, clock)
        asked.clear()
        with peer:
            for _ in range(5):
                protocol.log.received(b"x")
                live.cut_idle()
            assert asked == []
            for _ in range(5):
                live.cut_idle()
            assert asked == [protocol.transport]
            protocol.transport.abort()
            server.close()

    played(loop, main())


def test_a_system_that_does_not_tell_has_the_limit_judge_by_the_buffer_alone(loop, request, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(sockets.sys, "platform", "plan9")

    async def main():
        server, live, protocol, peer = await met("tcp", request, clock)
        with peer:
            assert unacknowledged_bytes(protocol.transport) == 0
            clock.now_s += LIMIT_S
            live.cut_idle()
            assert protocol.transport.is_closing()
            server.close()

    played(loop, main())


def test_a_connection_that_is_over_holds_nothing(loop):
    async def main():
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.transport.abort()
        await asyncio.sleep(0.0)
        await asyncio.sleep(0.0)
        return unacknowledged_bytes(writer.transport), unacknowledged_bytes(asyncio.Transport())

    with socket.create_server((HOST, 0)) as listener:
        assert played(loop, main()) == (0, 0)


def test_a_tls_connection_that_is_over_and_was_closed_again_does_not_end_the_watch(loop, certificates):
    """asyncio's transport then has nothing left to ask, and the watch may have its turn before the owner."""

    async def main():
        live, looked = LiveConnections(idle_timeout_s=LIMIT_S), asyncio.Event()

        async def closes_twice(reader, writer):
            live.add(writer.transport)
            await reader.read()
            writer.close()
            writer.close()
            live.cut_idle()
            live.cut_all()
            looked.set()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.cert, certificates.key)
        server = await asyncio.start_server(closes_twice, HOST, 0, ssl=context)
        trusts = ssl.create_default_context(cafile=certificates.ca)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trusts)
        writer.close()
        await asyncio.wait_for(looked.wait(), DEADLINE_S)
        server.close()

    played(loop, main())


@pytest.mark.parametrize(("platform", "told"), [("linux", False), ("darwin", False), ("plan9", True)])
def test_the_help_says_where_a_slow_reader_may_count_as_idle(platform, told, monkeypatch, capsys):
    monkeypatch.setattr(sockets.sys, "platform", platform)
    with pytest.raises(SystemExit):
        parse_server(["--help"])
    assert ("a slow reader may count as idle" in " ".join(capsys.readouterr().out.split())) is told


# --- Keep-alive ---

TELL = """
import atexit, socket
from common.connections import ConnectionLog
opened = ConnectionLog.opened
def tell(self, transport):
    opened(self, transport)
    sock = transport.get_extra_info("socket")
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT") if sock.family != socket.AF_UNIX else ()
    options = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
    options += [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    atexit.register(print, *options)
ConnectionLog.opened = tell
"""
"""The endpoint prints at its end what its connection's socket was told."""

needs_linux = pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system names its options otherwise")
ON = f"1 {KEEP_ALIVE_IDLE_S} {KEEP_ALIVE_EVERY_S} {KEEP_ALIVE_PROBES}"


@needs_linux
def test_both_ends_keep_their_connection_alive(api, loop):
    with Endpoint(api, "server", "--host", HOST, "--port", "0", loop=loop, before=TELL) as server:
        with client_of(api, loop, server.port(), before=TELL) as client:
            assert client.end() == 0, client.log
        assert server.stop() == 0
    assert (server.stdout.decode().strip(), client.stdout.decode().strip()) == (ON, ON)


@needs_linux
def test_they_do_so_over_tls(api, loop, certificates):
    options = ("--tls-cert", certificates.cert, "--tls-key", certificates.key)
    with Endpoint(api, "server", "--host", HOST, "--port", "0", *options, loop=loop, before=TELL) as server:
        with client_of(api, loop, server.port(), "--tls-ca", certificates.ca, before=TELL) as client:
            assert client.end() == 0, client.log
        assert server.stop() == 0
    assert (server.stdout.decode().strip(), client.stdout.decode().strip()) == (ON, ON)


def test_a_unix_socket_needs_none(api, loop, tmp_path):
    to = ("--unix", str(tmp_path / "s"))
    with Endpoint(api, "server", *to, loop=loop, before=TELL) as server:
        server.wait_for("starting up")
        with Endpoint(api, "client", *to, loop=loop, before=TELL) as client:
            assert client.end() == 0, client.log
        assert server.stop() == 0
    assert (server.stdout, client.stdout) == (b"0\n", b"0\n")
