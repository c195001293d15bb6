"""After a drain() that timed out the data are sent all the same

A time limit around drain() ends the waiting, and takes nothing back: write() has handed the data over, and they go out
as soon as the peer reads. Who writes them again on this connection sends them twice.

Instead: abort() the connection, and try again on a new one.

Sources: Python documentation, StreamWriter.drain() and WriteTransport.abort(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TWICE = outcome("the peer got it twice", bites="what was to be tried again is done twice")
ONCE = outcome("the peer got it once")
KNOWN = known(trap=[seen(TWICE)], remedy=[seen(ONCE)])

MESSAGE = bytes(32 * 1024 * 1024)


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(MESSAGE)
    try:
        async with asyncio.timeout(0.1):
            await writer.drain()
    except TimeoutError:
        kit.handle("too slow")
        writer.write(MESSAGE)
    writer.close()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(MESSAGE)
    try:
        async with asyncio.timeout(0.1):
            await writer.drain()
    except TimeoutError:
        kit.handle("too slow")
        writer.transport.abort()
        _, writer = await asyncio.open_connection(
            *address,
        )
        writer.write(MESSAGE)
    writer.close()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.write(MESSAGE)
    try:
        async with asyncio.timeout(0.1):
            await client.may_write.wait()
    except TimeoutError:
        kit.handle("too slow")
        transport.write(MESSAGE)
    transport.close()


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    transport.write(MESSAGE)
    try:
        async with asyncio.timeout(0.1):
            await client.may_write.wait()
    except TimeoutError:
        kit.handle("too slow")
        transport.abort()
        transport, _ = await kit.connected(address)
        transport.write(MESSAGE)
    transport.close()


# --- How it is observed: the peer reads when the time has run out; what was cut off is no message ---
def experiment(subject):
    messages = 0
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        first, _ = listener.accept()
        kit.handled()
        call.result()
        with first:
            messages += len(kit.all_of(first)) // len(MESSAGE)
        if messages == 0:
            kit.tell("the first connection was cut")
            second, _ = listener.accept()
            with second:
                messages += len(kit.all_of(second)) // len(MESSAGE)
    kit.tell(f"messages that the peer has got: {messages}")
    return kit.one_of(messages, {2: TWICE, 1: ONCE})


if __name__ == "__main__":
    kit.main()
