"""The echo server with Streams: one coroutine for each connection, read from top to bottom.

Its mirror image is `protocol_impl/server.py`: the same sections in the same order, under the same labels. Only
*Writing must wait* has its place by the API: drain() returns before `sent` is told, pause_writing() is called later.
"""

import asyncio
import socket
import sys

from common.config import ServerConfig
from common.live import LiveConnections
from common.server import run_server
from common.tls import TLSArguments


async def echo_server(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, live: LiveConnections, read_size: int
) -> None:
    """Echo whatever one peer sends until it has sent everything."""
    # --- A connection opens ---
    # start_server() runs this coroutine in a task of its own.
    log = live.add(writer.transport)
    try:
        # --- Bytes arrive ---
        while data := await reader.read(read_size):
            log.received(data)
            if writer.is_closing():
                # Nobody can be answered any more: the peer was cut, or it closed TLS right after these bytes, and
                # Streams then closes the transport before this coroutine has its turn.
                continue
            writer.write(data)
            # --- Writing must wait ---
            # The coroutine stops here; unread bytes fill the reader's buffer, and the reader then stops the transport.
            await writer.drain()
            # --- Bytes are sent ---
            log.sent(data)
        # --- The peer has sent everything ---
        # The empty read said so; there is no other sign of it. Where bytes were left unanswered, it is no clean end.
        if log.sent_bytes < log.received_bytes:
            raise ConnectionResetError
        # --- The connection ends ---
        # close() sends what is still in the buffer; wait_closed() waits for that, and raises the error that prevented
        # it.
        writer.close()
        await writer.wait_closed()
        log.ended()
    except OSError as error:
        log.ended(error)
    finally:
        writer.close()
        try:  # noqa: SIM105  contextlib.suppress() would make a connection 3 % dearer
            # Raises once more what read() or drain() has raised; if nobody asks for it, asyncio may log it.
            await writer.wait_closed()
        except OSError:
            pass
        live.discard(writer.transport)


# --- Start listening ---
# TCP and Unix sockets alike: both loops ask of `sock` only that it is a stream, so that the API's other function, for
# Unix sockets, is not needed.
async def start(
    sock: socket.socket, accept_at_once: int, config: ServerConfig, live: LiveConnections, tls: TLSArguments
) -> asyncio.Server:
    """Serve each connection that `sock` accepts with a coroutine of its own."""
    return await asyncio.start_server(
        lambda reader, writer: echo_server(reader, writer, live, config.read_size),
        sock=sock,
        backlog=accept_at_once,
        **tls,
    )


# --- Run ---
def main() -> int:
    """Run the server by its command line."""
    return run_server(start)


if __name__ == "__main__":
    sys.exit(main())
