"""The echo server with Protocol and Transport: one object for each connection, called by the loop when something
happens.

Its mirror image is `streams_impl/server.py`: the same sections in the same order, under the same labels.
"""

import asyncio
import socket
import sys
from typing import cast

from common.config import ServerConfig
from common.live import LiveConnections
from common.server import run_server
from common.tls import TLSArguments


class EchoServer(asyncio.Protocol):
    """Echo whatever one peer sends until it has sent everything."""

    def __init__(self, live: LiveConnections) -> None:
        self.live = live

    # --- A connection opens ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        try:
            self.connection = self.live.open(self.transport)
        except BaseException:
            # asyncio logs what is raised here and leaves the connection open, so that its peer would wait for ever;
            # uvloop logs it and closes.
            self.transport.set_protocol(asyncio.Protocol())  # there is nobody here to be told of the end
            self.transport.abort()
            raise

    # --- Bytes arrive ---
    def data_received(self, data: bytes) -> None:
        # As many as the loop has read: a Protocol has no say in it.
        self.connection.received(data)
        self.transport.write(data)
        self.connection.sent(data)

    # --- Writing must wait ---
    # write() never waits, it fills a buffer. Above its high-water mark nothing more is read, and so nothing more is
    # written.
    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    # --- The peer has sent everything ---
    def eof_received(self) -> None:
        # Returning None has the transport close itself, once it has sent what is still in the buffer.
        self.connection.tell("eof")

    # --- The connection ends ---
    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self.connection.ended(exc)
        finally:
            self.live.forget(self.connection)


# --- Start listening ---
# sock may be a Unix socket as well: both loops only ask whether it is a stream.
async def start(
    sock: socket.socket, backlog: int, config: ServerConfig, live: LiveConnections, tls: TLSArguments
) -> asyncio.Server:
    """Serve each connection that `sock` accepts with an object of its own."""
    return await asyncio.get_running_loop().create_server(lambda: EchoServer(live), sock=sock, backlog=backlog, **tls)


# --- Run ---
def main() -> int:
    """Run the server by its command line."""
    return run_server(start)


if __name__ == "__main__":
    sys.exit(main())
