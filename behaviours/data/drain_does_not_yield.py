"""await drain() lets nobody else run while there is room

A coroutine that never waits is never interrupted, whatever stands behind its `await`: drain() with room in the buffer
and read() with data at hand return at once. A loop of them keeps timers and other connections waiting.

Instead: `await asyncio.sleep(0)` now and then, which always lets the others have a turn.

Sources: Python issue gh-75279; Python documentation, asyncio.sleep().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

NOBODY = outcome("nobody else had a turn", bites="a busy loop keeps all others waiting")
OTHERS = outcome("others had their turns")
KNOWN = known(trap=[seen(NOBODY)], remedy=[seen(OTHERS)])


# --- Streams ---
async def streams_trap(address):
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(*address)
    loop.call_soon(kit.handle, "somebody else")
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
    kit.handle("the busy loop")


async def streams_remedy(address):
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(*address)
    loop.call_soon(kit.handle, "somebody else")
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0)
    kit.handle("the busy loop")


# --- Protocol ---
async def protocol_trap(address):
    loop = asyncio.get_running_loop()
    transport, client = await kit.connected(address)
    loop.call_soon(kit.handle, "somebody else")
    for _ in range(1000):
        transport.write(b".")
        await client.may_write.wait()
    kit.handle("the busy loop")


async def protocol_remedy(address):
    loop = asyncio.get_running_loop()
    transport, client = await kit.connected(address)
    loop.call_soon(kit.handle, "somebody else")
    for _ in range(1000):
        transport.write(b".")
        await client.may_write.wait()
        await asyncio.sleep(0)
    kit.handle("the busy loop")


# --- How it is observed: who is through first, a thousand writes or a callback that was due before them ---
def experiment(subject):
    with kit.listener() as listener:
        subject.call(listener.getsockname())
    first = kit.handled(2)[0]
    kit.tell(f"through first: {first}")
    return kit.one_of(first, {"the busy loop": NOBODY, "somebody else": OTHERS})


if __name__ == "__main__":
    kit.main()
