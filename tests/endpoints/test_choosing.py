"""What docs/choosing.md says of the APIs, the loops and the versions, and no scenario shows: each row of its table that
names a test here rests on it. Small servers and peers in one process; the page says on which versions they ran."""

import asyncio
import contextlib
import re
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from harness import HOST, ROOT, connect, read_to_end

from common.loops import loop_factory

PAGE = (ROOT / "docs" / "choosing.md").read_text()
SMALLEST = ROOT / "docs" / "smallest"
TURNS = 20
"""Of the loop: more than anything takes that does not wait for somebody else."""


def play(loop, main):
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        return runner.run(asyncio.wait_for(main, 60))


async def turns():
    for _ in range(TURNS):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def serving_streams(handler):
    """The port of a server with Streams; at the end all its handlers are."""
    tasks = []

    async def noted(reader, writer):
        tasks.append(asyncio.current_task())
        await handler(reader, writer)

    async with await asyncio.start_server(noted, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks)
        await turns()


async def seen(condition):
    """Wait until something has come about that nobody calls back for."""
    while not condition():
        await asyncio.sleep(0.001)


async def closed(writer):
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Recorder(asyncio.Protocol):
    """Writes down what the loop calls."""

    def __init__(self):
        self.calls, self.over = [], asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.calls.append(data)

    def eof_received(self):
        self.calls.append("eof")

    def connection_lost(self, error):
        self.calls.append(type(error).__name__)
        self.over.set()


@contextlib.asynccontextmanager
async def streams_of(peer_sends, *, limit=65536):
    """The reader of a connection whose peer has sent this and said that it is all."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(peer_sends)
        theirs.shutdown(socket.SHUT_WR)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=limit)
        yield reader
        await closed(writer)


def test_datagrams_have_a_protocol_and_no_streams(loop):
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data, address)

    async def main():
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=(HOST, 0))
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            peer.connect(transport.get_extra_info("sockname"))
            peer.setblocking(False)
            peer.send(b"ping")
            echo = await asyncio.get_running_loop().sock_recv(peer, 100)
        transport.close()
        await turns()
        return echo

    assert play(loop, main()) == b"ping"
    assert not [name for name in asyncio.streams.__all__ if "datagram" in name]


def test_a_message_of_known_length_is_one_call_and_tells_how_much_is_missing(loop):
    async def main():
        async with streams_of(b"\x05whole\x05par") as reader:
            whole = await reader.readexactly((await reader.readexactly(1))[0])
            length = (await reader.readexactly(1))[0]
            with pytest.raises(asyncio.IncompleteReadError) as caught:
                await reader.readexactly(length)
            return whole, caught.value.partial

    assert play(loop, main()) == (b"whole", b"par")


def test_a_line_beyond_the_limit_is_lost_by_readline_and_kept_by_readuntil(loop):
    async def main():
        line = b"x" * 100 + b"\n"
        async with streams_of(line + b"next\n", limit=10) as reader:
            with pytest.raises(ValueError, match="limit"):
                await reader.readline()
            after_readline = await reader.readline()
        async with streams_of(line, limit=10) as reader:
            for _ in range(2):
                with pytest.raises(asyncio.LimitOverrunError) as caught:
                    await reader.readuntil(b"\n")
            kept = await reader.readexactly(caught.value.consumed) + await reader.read(1)
        return after_readline, kept == line

    assert play(loop, main()) == (b"next\n", True)


def test_a_buffered_protocol_is_read_into_its_own_buffer_and_no_more_than_that(loop):
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self):
            self.memory, self.sizes, self.over = memoryview(bytearray(128)), [], asyncio.Event()

        def get_buffer(self, sizehint):
            return self.memory

        def buffer_updated(self, size):
            self.sizes.append(size)

        def connection_lost(self, error):
            self.over.set()

    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(bytes(1000))
            theirs.shutdown(socket.SHUT_WR)
            _, protocol = await asyncio.get_running_loop().create_unix_connection(Buffered, sock=ours)
            await protocol.over.wait()
        return max(protocol.sizes), sum(protocol.sizes)

    assert play(loop, main()) == (128, 1000)


def test_the_loops_own_calls_work_on_a_bare_socket_without_transport_or_buffer(loop):
    async def main():
        own, peer = socket.socketpair()
        with own, peer:
            own.setblocking(False)
            peer.sendall(b"ping")
            await asyncio.get_running_loop().sock_sendall(own, await asyncio.get_running_loop().sock_recv(own, 100))
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(own, bytes(1 << 24)))
            await turns()
            waits = not sending.done()  # no buffer takes what the kernel does not
            sending.cancel()
            await asyncio.wait([sending])
            return peer.recv(4), waits

    assert play(loop, main()) == (b"ping", True)


def contexts(certificates):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificates.cert, certificates.key)
    return server, ssl.create_default_context(cafile=certificates.ca)


def test_a_connection_becomes_tls_in_its_middle(loop, certificates):
    """Streams replaces its own transport, and a Protocol is to keep the one that it is given."""
    server_tls, client_tls = contexts(certificates)

    async def upgrade(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go\n")
        await writer.drain()
        await writer.start_tls(server_tls)
        writer.write(await reader.readline())
        await writer.drain()
        await closed(writer)

    async def by_streams(port):
        reader, writer = await asyncio.open_connection(HOST, port)
        plain = writer.transport
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go\n"
        await writer.start_tls(client_tls, server_hostname="localhost")
        writer.write(b"secret\n")
        echo = await reader.readline()
        await closed(writer)
        return echo, writer.transport is not plain

    async def by_protocol(port):
        running = asyncio.get_running_loop()
        plain, protocol = await running.create_connection(Recorder, HOST, port)
        plain.write(b"STARTTLS\n")
        await seen(lambda: protocol.calls)
        secured = await running.start_tls(plain, protocol, client_tls, server_hostname="localhost")
        kept = protocol.transport is plain  # no second connection_made()
        secured.write(b"secret\n")
        await protocol.over.wait()
        return protocol.calls[:2], kept

    async def main():
        async with serving_streams(upgrade) as port:
            return await by_streams(port), await by_protocol(port)

    assert play(loop, main()) == ((b"secret\n", True), ([b"go\n", b"secret\n"], True))


def test_what_comes_with_the_starttls_line_passes_for_encrypted_up_to_3_13(loop, certificates):
    server_tls, client_tls = contexts(certificates)
    lines, upgrading = asyncio.Queue(), threading.Event()

    async def upgrade(reader, writer):
        await lines.put(await reader.readline())
        upgrading.set()  # nothing is read any more before it is TLS
        try:
            await writer.start_tls(server_tls)
            await lines.put(await reader.readline())
        except OSError as error:
            await lines.put(type(error))
        finally:
            await closed(writer)

    def peer(port):
        with connect(port) as plain:
            plain.sendall(b"STARTTLS\nplain\n")
            upgrading.wait(60)
            with contextlib.suppress(OSError), client_tls.wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(b"encrypted\n")
                read_to_end(secured)

    async def main():
        async with serving_streams(upgrade) as port:
            playing = asyncio.create_task(asyncio.to_thread(peer, port))
            found = [await lines.get(), await lines.get()]
            await playing
            return found

    _, second = play(loop, main())
    assert (second == b"plain\n") is (sys.version_info < (3, 14) or loop == "uvloop")


def test_both_apis_serve_and_connect_in_one_program(loop):
    async def echo(reader, writer):
        writer.write(await reader.read(100))
        writer.close()

    async def main():
        async with serving_streams(echo) as port:
            transport, protocol = await asyncio.get_running_loop().create_connection(Recorder, HOST, port)
            transport.write(b"ping")
            await protocol.over.wait()
            return protocol.calls

    assert play(loop, main()) == [b"ping", "eof", "NoneType"]


def test_a_handler_hands_its_connection_to_a_protocol_and_what_was_read_stays_behind(loop):
    handed = asyncio.Queue()

    async def handler(reader, writer):
        line = await reader.readline()
        await seen(lambda: b"early" in reader._buffer)
        protocol = Recorder()
        writer.transport.set_protocol(protocol)
        await handed.put((line, reader, writer, protocol))
        await protocol.over.wait()

    async def main():
        async with serving_streams(handler) as port:
            with await asyncio.to_thread(connect, port) as peer:
                peer.sendall(b"upgrade\nearly")
                line, reader, writer, protocol = await handed.get()
                peer.sendall(b"late")
            await protocol.over.wait()
            return line, await reader.read(100), protocol.calls, hasattr(protocol, "transport"), bool(writer)

    assert play(loop, main()) == (b"upgrade\n", b"early", [b"late", "eof", "NoneType"], False, True)


def test_a_handler_that_forgets_to_close_leaves_its_peer_hanging_up_to_3_12(loop):
    async def main():
        returned = asyncio.Future()

        async def forgets(reader, writer):
            await reader.read(100)
            returned.set_result(writer.transport)

        async with serving_streams(forgets) as port:
            with await asyncio.to_thread(connect, port) as peer:
                peer.sendall(b"?")
                transport = await returned
                await turns()
                peer.setblocking(False)
                try:
                    hangs = peer.recv(1) != b""
                except BlockingIOError:
                    hangs = True
            transport.abort()
            await turns()
        return hangs

    if sys.version_info < (3, 13):
        assert play(loop, main()) is True
    else:
        with pytest.warns(ResourceWarning):
            assert play(loop, main()) is False


@pytest.mark.skipif(sys.version_info < (3, 14), reason="python -m asyncio pstree is new in 3.14")
@pytest.mark.parametrize("api", ["streams", "protocol"])
def test_a_handler_of_streams_is_a_task_that_one_can_see_from_outside(api):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, str(SMALLEST / f"{api}_server.py"), HOST, str(port)]
    with subprocess.Popen(command) as server:
        try:
            while True:
                with contextlib.suppress(ConnectionRefusedError), connect(port) as peer:
                    peer.sendall(b"?")
                    assert peer.recv(1) == b"?"
                    seen = subprocess.run(
                        [sys.executable, "-m", "asyncio", "pstree", str(server.pid)], capture_output=True, text=True
                    )
                    break
        finally:
            server.kill()
    if seen.returncode:
        pytest.skip(f"this system lets nobody look into another process: {seen.stdout}{seen.stderr}")
    assert "serve_forever" in seen.stdout
    assert ("StreamReader.read" in seen.stdout) is (api == "streams")


def test_the_page_names_every_test_here_and_no_other():
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_page_names_every_test_here_and_no_other"
    }
    assert set(re.findall(r'"(test_\w+)"', PAGE)) == here
