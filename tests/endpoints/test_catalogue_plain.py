"""What the catalogue says of the APIs and the loops is true of the shortest programs, too, which have nothing of ours:
no explanation rests on something that our own code does."""

import contextlib
import re
import socket
import ssl
import subprocess
import sys

import pytest
from harness import connect, round_trip
from test_server_endings import bytes_and_close_in_one

from comparison.judge.catalogue import CATALOGUE

PROTOCOL = """
class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        print("received", data, flush=True)
        self.transport.write(data)
        if data == b"bye":
            self.transport.close()
    def eof_received(self):
        print("eof_received()", flush=True)
    def connection_lost(self, error):
        print("connection_lost:", error, flush=True)
async def serve(**tls):
    return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, **tls)
"""
STREAMS = """
async def echo(reader, writer):
    while data := await reader.read(65536):
        print("received", data, flush=True)
        if writer.is_closing():
            print("closing already", flush=True)
            continue
        writer.write(data)
        await writer.drain()
        if data == b"bye":
            break
    else:
        print("empty read()", flush=True)
    writer.close()
    try:
        await writer.wait_closed()
        print("wait_closed(): None", flush=True)
    except OSError as error:
        print("wait_closed():", error, flush=True)
async def serve(**tls):
    return await asyncio.start_server(echo, "127.0.0.1", 0, **tls)
"""
"""The shortest echo of each API that tells what it hears, and closes after `bye`."""

RUN = """
async def main():
    tls = {}
    if len(sys.argv) > 2:
        tls["ssl"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls["ssl"].load_cert_chain(*sys.argv[2:])
    told = lambda loop, context: print("loop:", context["message"], flush=True)
    asyncio.get_running_loop().set_exception_handler(told)
    server = await serve(**tls)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
factory = __import__(sys.argv[1]).new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
"""

PLAIN = {"protocol": PROTOCOL, "streams": STREAMS}


@contextlib.contextmanager
def plain(api, loop, *files, before=""):
    """A plain server; yields its port, and what it tells, line by line."""
    program = f"import asyncio, logging, ssl, sys\n{before}\n{PLAIN[api]}\n{RUN}"
    command = [sys.executable, "-c", program, loop, *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line.strip())
                if line.startswith("port "):
                    break
            yield int(lines[-1].split()[1]), lines, process.stdout
        finally:
            process.kill()


def told_until(stdout, pattern):
    """What a server tells up to the first line like this."""
    told = []
    for line in stdout:
        told.append(line.strip())
        if re.search(pattern, line):
            return told
    raise AssertionError(f"no line like {pattern!r} in {told}")


END = r"^(connection_lost|empty read)"


def eof_callback(api, loop, certificates):
    with plain(api, loop) as (port, _, stdout), connect(port) as peer:
        assert round_trip(peer, b"ping")
        peer.shutdown(socket.SHUT_WR)
        told = told_until(stdout, END)
    assert told[1:] == (["eof_received()", "connection_lost: None"] if api == "protocol" else ["empty read()"])


def selector(api, loop, certificates):
    with plain(api, loop) as (_, lines, _):
        assert any("Using selector" in line for line in lines) is (loop == "asyncio")


def eof_without_close_notify(api, loop, certificates):
    context = ssl.create_default_context(cafile=certificates.ca)
    with plain(api, loop, certificates.cert, certificates.key) as (port, _, stdout):
        with context.wrap_socket(connect(port), server_hostname="localhost") as peer:
            assert round_trip(peer, b"ping")
        told = told_until(stdout, END)[1:]
    if api == "streams":
        assert told == ["empty read()"]
    else:
        assert told == ["eof_received()"] * (loop == "asyncio") + ["connection_lost: None"]


def bytes_with_close_notify(api, loop, certificates):
    with plain(api, loop, certificates.cert, certificates.key) as (port, _, stdout), connect(port) as peer:
        answer = bytes_and_close_in_one(peer, ssl.create_default_context(cafile=certificates.ca), b"last words")
        told = told_until(stdout, END)
    assert told[0] == "received b'last words'"
    assert ("closing already" in told) is (api == "streams")
    assert answer == (b"last words" if api == "protocol" else b"")


def bytes_after_close_notify(api, loop, certificates):
    context = ssl.create_default_context(cafile=certificates.ca)
    with plain(api, loop, certificates.cert, certificates.key) as (port, _, stdout):
        with context.wrap_socket(connect(port), server_hostname="localhost") as peer:
            assert round_trip(peer, b"bye")
            assert peer.recv(1) == b""
            peer.sendall(b"more")
        told = told_until(stdout, r"^(connection_lost|wait_closed)")
    assert ("APPLICATION_DATA_AFTER_CLOSE_NOTIFY" in told[-1]) is (loop == "asyncio"), told
    assert told[-1].endswith(": None") is (loop != "asyncio")


def out_of_files(api, loop, certificates):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
    with plain(api, loop, before=limit) as (port, _, stdout), contextlib.ExitStack() as peers:
        waiting = [peers.enter_context(connect(port)) for _ in range(60)]
        assert round_trip(waiting[0])
        if loop == "asyncio":
            told_until(stdout, "loop: socket.accept")
            waiting[-1].setblocking(False)
            with pytest.raises(BlockingIOError):
                waiting[-1].recv(1)
        else:
            assert waiting[-1].recv(1) == b""


CLAIMS = {
    claim.__name__.replace("_", "-"): claim
    for claim in (
        eof_callback,
        selector,
        eof_without_close_notify,
        bytes_with_close_notify,
        bytes_after_close_notify,
        out_of_files,
    )
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_plain_program_of_each_api_shows_what_the_catalogue_says(api, loop, name, certificates):
    CLAIMS[name](api, loop, certificates)
