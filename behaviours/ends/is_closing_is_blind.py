"""is_closing() does not see that the peer has closed

A pool of connections takes one that was idle, asks is_closing(), and writes. The server has closed it long ago: with
Streams is_closing() says no, and write() and drain() succeed. The request is lost. A Protocol whose eof_received()
returns nothing is closed at the end of file, and knows.

Instead: look at reader.at_eof() as well, and expect all the same that a connection from a pool is dead.

Sources: Python documentation, BaseTransport.is_closing() and StreamReader.at_eof().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

ALIVE = outcome("taken for alive", bites="the request goes nowhere, without an error")
KNEW = outcome("known to be dead")
KNOWN = known(trap=[seen(KNEW, api="protocol"), seen(ALIVE)], remedy=[seen(KNEW)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    await kit.work()  # idle, in a pool
    if writer.is_closing():
        return "dead"
    writer.write(b"request")
    await writer.drain()
    return "sent"


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    await kit.work()  # idle, in a pool
    if writer.is_closing() or reader.at_eof():
        return "dead"
    writer.write(b"request")
    await writer.drain()
    return "sent"


# --- Protocol ---
async def protocol_trap(address):
    transport, _ = await kit.connected(address)
    await kit.work()  # idle, in a pool
    if transport.is_closing():
        return "dead"
    transport.write(b"request")
    return "sent"


protocol_remedy = None


# --- How it is observed: the peer closes while the connection is idle ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        peer.close()
        subject.settle()
        kit.finish_work()
        said = call.result()
    kit.tell(f"the peer has closed; the client says: {said}")
    return kit.one_of(said, {"sent": ALIVE, "dead": KNEW})


if __name__ == "__main__":
    kit.main()
