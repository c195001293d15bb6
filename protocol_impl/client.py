"""The echo client with Protocol and Transport: the loop calls when bytes arrive, a coroutine writes at the same time.

Its mirror image is `streams_impl/client.py`: the same sections in the same order, under the same labels.
"""

import asyncio
import sys
from typing import cast

from common.client import run_client
from common.config import ClientConfig
from common.connections import ConnectionLog
from common.exchange import Exchange
from common.sockets import keep_alive
from common.tls import TLSArguments


# --- Connect ---
async def echo_client(config: ClientConfig, exchange: Exchange, log: ConnectionLog, tls: TLSArguments) -> None:
    """Carry one exchange over one connection, until that is over. Raises OSError, alone or in a group."""
    loop = asyncio.get_running_loop()
    # Complete from the start: connection_made(), and data_received() too, may come before create_connection() returns.
    protocol = EchoClient(exchange, log)
    log.tell("connecting", address=config.address)
    if config.unix is not None:
        await loop.create_unix_connection(lambda: protocol, config.unix, **tls)
    else:
        await loop.create_connection(lambda: protocol, config.host, config.port, **tls)
    await protocol.communicate()


class EchoClient(asyncio.Protocol):
    """One connection: sends the exchange and checks what comes back."""

    def __init__(self, exchange: Exchange, log: ConnectionLog) -> None:
        self.exchange = exchange
        self.log = log
        self.writable = asyncio.Event()
        self.writable.set()
        self.over = asyncio.Event()

    # --- The connection opens ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        keep_alive(transport)
        self.log.opened(transport)

    # --- Read and write at once ---
    async def communicate(self) -> None:
        """Send while the loop reads, until the connection is over."""
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self.send())
                await self.over.wait()
                sending.cancel()
        finally:
            self.transport.abort()  # a time-out comes before the end, perhaps with the whole echo back
        if self.error is not None:
            raise self.error

    # --- Bytes come back ---
    def data_received(self, data: bytes) -> None:
        self.log.received(data)
        if not self.exchange.check(data):
            self.transport.abort()

    # --- The peer has sent everything ---
    def eof_received(self) -> None:
        # Returning None has the transport close itself.
        self.log.tell("eof")
        if not self.exchange.complete:
            # Not close(): it would first send what cannot come back any more, and wait for a peer that does not read.
            self.transport.abort()

    # --- The connection ends ---
    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.over.set()

    # --- Send ---
    async def send(self) -> None:
        """Write what is due, as long as there is any, and say that this was all."""
        while True:
            chunk = await self.exchange.next_chunk()
            if self.transport.is_closing():
                return  # on uvloop write() and write_eof() raise RuntimeError then
            if not chunk:
                break
            self.log.sending(chunk)
            self.transport.write(chunk)
            # --- Writing must wait ---
            await self.writable.wait()
        await self.end_sending()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    # --- Everything is sent ---
    async def end_sending(self) -> None:
        """Have the server learn that this was all."""
        self.log.tell("waiting")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            # TLS has no half-close: the client counts what comes back, and closes when that is all.
            await self.exchange.all_returned()
            self.transport.close()


# --- Run ---
def main() -> int:
    """Run the client by its command line."""
    return run_client(echo_client)


if __name__ == "__main__":
    sys.exit(main())
