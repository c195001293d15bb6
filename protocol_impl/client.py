"""The echo client with Protocol and Transport: the loop calls when something arrives, a coroutine writes at the same
time.

Its mirror image is `streams_impl/client.py`: the same sections in the same order, under the same labels.
"""

import asyncio
import sys
from typing import cast

from common.client import run_client
from common.config import ClientConfig
from common.connections import Connection
from common.exchange import Exchange
from common.tls import TLSArguments


# --- Connect ---
async def echo_client(config: ClientConfig, exchange: Exchange, connection: Connection, tls: TLSArguments) -> None:
    """Carry one exchange over one connection, and return when the connection is over. Raises OSError, alone or in
    a group."""
    loop = asyncio.get_running_loop()
    # What a protocol needs must be in it from the start: every loop calls connection_made() before
    # create_connection() returns, and uvloop data_received() as well.
    protocol = EchoClient(exchange, connection)
    connection.tell("connecting", address=config.address)
    if config.unix is not None:
        await loop.create_unix_connection(lambda: protocol, config.unix, **tls)
    else:
        await loop.create_connection(lambda: protocol, config.host, config.port, **tls)
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(protocol.send())
            await protocol.over.wait()
            sending.cancel()
    finally:
        if not protocol.over.is_set():
            protocol.transport.abort()  # a time-out comes before the end, perhaps with the whole echo back
    if protocol.error is not None:
        raise protocol.error


class EchoClient(asyncio.Protocol):
    """One connection: sends the exchange and checks what comes back."""

    def __init__(self, exchange: Exchange, connection: Connection) -> None:
        self.exchange = exchange
        self.connection = connection
        self.writable = asyncio.Event()
        self.writable.set()
        self.over = asyncio.Event()
        self.error: Exception | None = None

    # --- The connection opens ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connection.opened(transport)

    # --- Send ---
    async def send(self) -> None:
        """Write while the loop reads."""
        while chunk := await self.exchange.next_chunk():
            if self.transport.is_closing():
                return  # uvloop's write() raises RuntimeError on a closed connection
            self.connection.sending(chunk)
            self.transport.write(chunk)
            # --- Writing must wait ---
            await self.writable.wait()
        # --- Everything is sent ---
        self.connection.tell("waiting")
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            # TLS has no half-close: the client counts what comes back, and closes when that is all.
            await self.exchange.all_returned()
            self.transport.close()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    # --- Bytes come back ---
    def data_received(self, data: bytes) -> None:
        self.connection.received(data)
        if not self.exchange.returned(data):
            self.transport.abort()

    # --- The peer has sent everything ---
    def eof_received(self) -> None:
        # Returning None has the transport close itself.
        self.connection.tell("eof")
        if not self.exchange.complete:
            # Not close(): it would first send what cannot come back any more, and wait for a peer that does not read.
            self.transport.abort()

    # --- The connection ends ---
    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.over.set()


# --- Run ---
def main() -> int:
    """Run the client by its command line."""
    return run_client(echo_client)


if __name__ == "__main__":
    sys.exit(main())
