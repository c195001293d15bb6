"""A connection whose writer nobody keeps is closed

open_connection() returns a reader and a writer. Who keeps the reader alone loses the connection when the writer is
garbage-collected: read() then returns b"", as if the peer had ended. A Protocol is kept by its transport.

Instead: keep the writer as long as the reader.

Sources: Python issues gh-109321 and gh-114914.
"""

import asyncio
import contextlib
import gc

from behaviours import kit
from behaviours.known import known, outcome, seen

CLOSED = outcome("looked like the peer's end", bites="the connection closes by itself, now or later")
ALIVE = outcome("the data came")
KNOWN = known(trap=[seen(ALIVE, api="protocol"), seen(CLOSED)], remedy=[seen(ALIVE)])


# --- Streams ---
async def streams_trap(address):
    async def connect():
        reader, _ = await asyncio.open_connection(
            *address,
        )
        return reader

    reader = await connect()
    gc.collect()
    kit.handle("connected")
    return await reader.read(65536)


async def streams_remedy(address):
    async def connect():
        return await asyncio.open_connection(*address)

    reader, writer = await connect()
    gc.collect()
    kit.handle("connected")
    data = await reader.read(65536)
    writer.close()
    return data


# --- Protocol ---
async def protocol_trap(address):
    async def connect():
        _, client = await kit.connected(address)
        client.transport = None
        return client

    client = await connect()
    gc.collect()
    kit.handle("connected")
    await client.eof.wait()
    return client.received


protocol_remedy = None


# --- How it is observed: the peer sends when the rubbish has been collected ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            kit.handled()
            subject.settle()
            with contextlib.suppress(OSError):  # it is closed
                peer.sendall(b"data")
                peer.shutdown(1)
            got = call.result()
    kit.tell(f"the client read {got}")
    return kit.one_of(got, {b"": CLOSED, b"data": ALIVE})


if __name__ == "__main__":
    kit.main()
