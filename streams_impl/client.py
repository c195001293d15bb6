"""The echo client with Streams: one coroutine reads, another writes at the same time.

Its mirror image is `protocol_impl/client.py`: the same sections in the same order, under the same labels.
"""

import asyncio
import contextlib
import sys

from common.client import run_client
from common.config import ClientConfig
from common.connections import Connection
from common.exchange import Exchange
from common.tls import TLSArguments


# --- Connect ---
async def echo_client(config: ClientConfig, exchange: Exchange, connection: Connection, tls: TLSArguments) -> None:
    """Carry one exchange over one connection, and return when the connection is over. Raises OSError, alone or in
    a group."""
    connection.tell("connecting", address=config.address)
    if config.unix is not None:
        reader, writer = await asyncio.open_unix_connection(config.unix, **tls)
    else:
        reader, writer = await asyncio.open_connection(config.host, config.port, **tls)
    # --- The connection opens ---
    connection.opened(writer.transport)

    # --- Send ---
    async def send() -> None:
        """Write while echo_client reads: a client that only reads when all is written deadlocks once all buffers
        on the way are full."""
        while chunk := await exchange.next_chunk():
            if writer.is_closing():
                return  # uvloop's write() raises RuntimeError on a closed connection
            connection.sending(chunk)
            writer.write(chunk)
            # --- Writing must wait ---
            await writer.drain()
        # --- Everything is sent ---
        connection.tell("waiting")
        if writer.is_closing():
            return
        if writer.can_write_eof():
            writer.write_eof()
        else:
            # TLS has no half-close: the client counts what comes back, and closes when that is all.
            await exchange.all_returned()
            writer.close()

    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send())
            # --- Bytes come back ---
            while data := await reader.read(config.read_size):
                connection.received(data)
                if not exchange.returned(data):
                    break
            # --- The peer has sent everything ---
            # The empty read said so; there is no other sign of it.
            sending.cancel()
    # --- The connection ends ---
    finally:
        if not (exchange.complete and reader.at_eof()):
            # Not close(): it would first send what cannot come back any more, and wait for a peer that does not read.
            # The same where a time-out comes before the end, with the whole echo back.
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()  # raises once more what read() or drain() has raised


# --- Run ---
def main() -> int:
    """Run the client by its command line."""
    return run_client(echo_client)


if __name__ == "__main__":
    sys.exit(main())
