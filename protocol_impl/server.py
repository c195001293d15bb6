"""The echo server with Protocol and Transport: one object for each connection, called by the loop when something
happens.

Its mirror image is `streams_impl/server.py`: the same sections in the same order, under the same labels. Only
*Writing must wait* has its place by the API: drain() returns before `sent` is told, pause_writing() is called later.
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
            self.log = self.live.add(self.transport)
        except BaseException:
            # asyncio logs what is raised here and leaves the connection open, so that its peer would wait for ever;
            # uvloop logs it and closes.
            self.transport.set_protocol(asyncio.Protocol())  # there is nobody here to be told of the end
            self.transport.abort()
            raise

    # --- Bytes arrive ---
    def data_received(self, data: bytes) -> None:
        # The loop decides how many bytes come at once: a plain Protocol has no say in it.
        self.log.received(data)
        self.transport.write(data)
        # --- Bytes are sent ---
        self.log.sent(data)

    # --- Writing must wait ---
    # write() never waits: what the kernel does not take stays in a buffer. Where that is above its high-water mark, the
    # transport calls pause_writing(), and this server reads no more until it is down to its low-water mark.
    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    # --- The peer has sent everything ---
    def eof_received(self) -> None:
        # Returning None has the transport close itself, once it has sent what is still in the buffer.
        self.log.tell("eof")

    # --- The connection ends ---
    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self.log.ended(exc)
        finally:
            self.live.discard(self.transport)


# --- Start listening ---
# TCP and Unix sockets alike: both loops ask of `sock` only that it is a stream, so that the API's other function, for
# Unix sockets, is not needed.
async def start(
    sock: socket.socket, accept_at_once: int, config: ServerConfig, live: LiveConnections, tls: TLSArguments
) -> asyncio.Server:
    """Serve each connection that `sock` accepts with an object of its own."""
    return await asyncio.get_running_loop().create_server(
        lambda: EchoServer(live), sock=sock, backlog=accept_at_once, **tls
    )


# --- Run ---
def main() -> int:
    """Run the server by its command line."""
    return run_server(start)


if __name__ == "__main__":
    sys.exit(main())
