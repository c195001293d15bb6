"""The echo client with Streams: one coroutine reads, another writes at the same time.

Its mirror image is `protocol_impl/client.py`: the same sections in the same order, under the same labels.
"""

import asyncio
import sys

from common.client import run_client
from common.config import ClientConfig
from common.connections import ConnectionLog
from common.exchange import Exchange
from common.sockets import keep_alive
from common.tls import TLSArguments


# --- Connect ---
async def echo_client(config: ClientConfig, exchange: Exchange, log: ConnectionLog, tls: TLSArguments) -> None:
    """Carry one exchange over one connection, until that is over. Raises OSError, alone or in a group."""
    log.tell("connecting", address=config.address)
    if config.unix is not None:
        reader, writer = await asyncio.open_unix_connection(config.unix, **tls)
    else:
        reader, writer = await asyncio.open_connection(config.host, config.port, **tls)
    # --- The connection opens ---
    keep_alive(writer.transport)
    log.opened(writer.transport)
    await communicate(reader, writer, exchange, log, config.read_size)


# --- Read and write at once ---
async def communicate(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, exchange: Exchange, log: ConnectionLog, read_size: int
) -> None:
    """Send while this coroutine reads, until the connection is over. A client that reads only when all is written
    deadlocks once all buffers on the way are full."""
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send(writer, exchange, log))
            # --- Bytes come back ---
            while data := await reader.read(read_size):
                log.received(data)
                if not exchange.check(data):
                    break
            # --- The peer has sent everything ---
            # The empty read said so, unless a wrong byte has ended the loop; there is no other sign of it.
            sending.cancel()
    # --- The connection ends ---
    finally:
        # Not close(): it would first send what cannot come back any more, and wait for a peer that does not read. The
        # same where a time-out comes before the end, perhaps with the whole echo back.
        writer.transport.abort()
        # Raises once more what read() or drain() has raised; if nobody asks for it, asyncio may log it.
        await writer.wait_closed()


# --- Send ---
async def send(writer: asyncio.StreamWriter, exchange: Exchange, log: ConnectionLog) -> None:
    """Write what is due, as long as there is any, and say that this was all."""
    while True:
        chunk = await exchange.next_chunk()
        if writer.is_closing():
            return  # on uvloop write() and write_eof() raise RuntimeError then
        if not chunk:
            break
        log.sending(chunk)
        writer.write(chunk)
        # --- Writing must wait ---
        await writer.drain()
    await end_sending(writer, exchange, log)


# --- Everything is sent ---
async def end_sending(writer: asyncio.StreamWriter, exchange: Exchange, log: ConnectionLog) -> None:
    """Have the server learn that this was all."""
    log.tell("waiting")
    if writer.can_write_eof():
        writer.write_eof()
    else:
        # TLS has no half-close: the client counts what comes back, and closes when that is all.
        await exchange.all_returned()
        writer.close()


# --- Run ---
def main() -> int:
    """Run the client by its command line."""
    return run_client(echo_client)


if __name__ == "__main__":
    sys.exit(main())
