"""An echo server with asyncio's BufferedProtocol: the loop reads into a buffer that the program owns.

usage: python -m comparison.bench.servers.buffered [--loop NAME] [--host HOST] [--port PORT] [--tls-cert PEM]
"""

import argparse
import asyncio
import ssl
import sys

from comparison.bench.servers.program import BACKLOG, READ_SIZE_BYTES, run, say_ready


class Echo(asyncio.BufferedProtocol):
    _buffer = memoryview(bytearray(READ_SIZE_BYTES))
    """One for all connections: what was read is copied before anything else is read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's is no subclass
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        # A copy: what the transport cannot send at once it keeps, and the next read writes into the same buffer.
        self._transport.write(bytes(self._buffer[:nbytes]))

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


async def serve(options: argparse.Namespace) -> None:
    context = None
    if options.tls_cert is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.tls_cert)
    server = await asyncio.get_running_loop().create_server(
        Echo, options.host, options.port, backlog=BACKLOG, ssl=context
    )
    say_ready(server.sockets[0])
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    sys.exit(run(serve))
