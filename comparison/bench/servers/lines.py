"""Echo servers for requests that end in a newline, each with another idiom; a request begins with its own length in
eight digits, so that it can be counted as well.

usage: python -m comparison.bench.servers.lines IDIOM [--loop NAME] [--host HOST] [--port PORT]
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from comparison.bench.servers.program import BACKLOG, READ_SIZE_BYTES, run, say_ready

LENGTH_DIGITS = 8

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


# --- Streams ---
async def readline(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def readexactly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readexactly(LENGTH_DIGITS)
            writer.write(head + await reader.readexactly(int(head)))
            await writer.drain()
    except asyncio.IncompleteReadError:
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
class Lines(asyncio.Protocol):
    """A write for each line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is no subclass
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.answer(lines)

    def answer(self, lines: list[bytes]) -> None:
        for line in lines:
            self._transport.write(line + b"\n")

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


class JoinedLines(Lines):
    """A write for all lines that came together."""

    def answer(self, lines: list[bytes]) -> None:
        if lines:
            self._transport.write(b"\n".join([*lines, b""]))


STREAMS: dict[str, Handler] = {"readline": readline, "readexactly": readexactly, "split": split}
PROTOCOLS = {"protocol-each": Lines, "protocol-joined": JoinedLines}


async def serve(idiom: str, host: str, port: int) -> None:
    if idiom in STREAMS:
        server = await asyncio.start_server(STREAMS[idiom], host, port, backlog=BACKLOG)
    else:
        server = await asyncio.get_running_loop().create_server(PROTOCOLS[idiom], host, port, backlog=BACKLOG)
    say_ready(server.sockets[0])
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    idiom = sys.argv.pop(1)
    sys.exit(run(lambda options: serve(idiom, options.host, options.port)))
