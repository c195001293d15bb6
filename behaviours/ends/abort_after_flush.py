"""abort() on a connection that has ended raises AttributeError on asyncio

A shutdown aborts all that it knows, to be sure. On a connection that had something unsent at close(), and has sent it
and ended since, asyncio's abort() looks for a loop that it has no more, and raises. The rest of the shutdown is not
done. uvloop does nothing.

Instead: abort only where you have waited in vain, and forget connections in connection_lost().

Sources: Python issue gh-156512; anyio issue #1250.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

RAISED = outcome("AttributeError", bites="the rest of the shutdown is not done")
ENDED = outcome("the shutdown was done")
KNOWN = known(
    trap=[seen(ENDED, loop="uvloop"), seen(RAISED, fixed="3.14.10", bug="gh-156512"), seen(ENDED)], remedy=[seen(ENDED)]
)


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))  # more than fits
    writer.close()
    await writer.wait_closed()
    writer.transport.abort()  # to be sure


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))
    writer.close()
    try:
        async with asyncio.timeout(10):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))  # more than fits
    transport.close()
    await client.lost
    transport.abort()  # to be sure


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))
    transport.close()
    try:
        async with asyncio.timeout(10):
            await client.lost
    except TimeoutError:
        transport.abort()


# --- How it is observed: the peer reads to the end ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            kit.all_of(peer)
            try:
                call.result()
            except AttributeError as error:
                kit.tell(f"abort() raised {error!r}")
                return RAISED
    kit.tell("no error")
    return ENDED


if __name__ == "__main__":
    kit.main()
