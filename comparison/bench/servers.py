"""Echo servers and nothing else: no log, no limits. `buffered` and `sockets` are the shortest of their kind; the others
are for requests that end in a newline, each with another idiom. Such a request begins with its own length in eight
digits, so that it can be counted as well.

usage: python -m comparison.bench.servers NAME LOOP HOST PORT [CERTIFICATE]
"""

import asyncio
import contextlib
import socket
import ssl
import sys

from common.config import BACKLOG, READ_SIZE_BYTES
from common.loops import loop_factory

LENGTH_DIGITS = 8


# --- Streams ---
async def readline(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def readexactly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):  # the end
        while True:
            head = await reader.readexactly(LENGTH_DIGITS)
            writer.write(head + await reader.readexactly(int(head)))
            await writer.drain()
    writer.close()


async def split(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    rest = b""
    while data := await reader.read(READ_SIZE_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            writer.write(b"\n".join([*lines, b""]))
            await writer.drain()
    writer.close()


# --- Protocol ---
class BackPressure(asyncio.BaseProtocol):
    """Reads no more while what was written is not sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is no subclass

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


class Buffered(BackPressure, asyncio.BufferedProtocol):
    """The loop reads into a buffer that the program owns."""

    _buffer = memoryview(bytearray(READ_SIZE_BYTES))  # one for all connections: what was read is copied at once

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        # The transport keeps what it cannot send, and the next read writes into the same buffer.
        self._transport.write(bytes(self._buffer[:nbytes]))


class EachLine(BackPressure, asyncio.Protocol):
    """A write for each line."""

    _rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.answer(lines)

    def answer(self, lines: list[bytes]) -> None:
        for line in lines:
            self._transport.write(line + b"\n")


class JoinedLines(EachLine):
    """A write for all lines that came together."""

    def answer(self, lines: list[bytes]) -> None:
        if lines:
            self._transport.write(b"\n".join([*lines, b""]))


# --- Neither: one coroutine for each connection awaits its socket ---
async def sockets(listening: socket.socket) -> None:
    async with asyncio.TaskGroup() as tasks:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            # As transports do: an answer must not wait for the acknowledgement of the one before.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tasks.create_task(echo(connection))


async def echo(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with connection, contextlib.suppress(OSError):  # the peer may be gone
        while data := await loop.sock_recv(connection, READ_SIZE_BYTES):
            await loop.sock_sendall(connection, data)


# --- The program ---
STREAMS = {"readline": readline, "readexactly": readexactly, "split": split}
PROTOCOLS = {"buffered": Buffered, "protocol-each": EachLine, "protocol-joined": JoinedLines}


async def serve(name: str, host: str, port: int, certificate: str | None = None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    # By its descriptor, which tells the protocol: create_server() names none, and asyncio then leaves Nagle's delay on.
    with socket.socket(fileno=socket.create_server((host, port), backlog=BACKLOG).detach()) as listening:
        listening.setblocking(False)
        print("main: starting up on {} port {}".format(*listening.getsockname()), flush=True)
        if name in STREAMS:
            _ = await asyncio.start_server(STREAMS[name], sock=listening, backlog=BACKLOG, ssl=tls)
        elif name in PROTOCOLS:
            loop = asyncio.get_running_loop()
            _ = await loop.create_server(PROTOCOLS[name], sock=listening, backlog=BACKLOG, ssl=tls)
        else:
            await sockets(listening)
        await asyncio.Event().wait()


if __name__ == "__main__":
    _, name, loop, host, port, *certificate = sys.argv
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(serve(name, host, int(port), *certificate))
