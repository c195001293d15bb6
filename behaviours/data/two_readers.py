"""Two tasks cannot read from one connection at once

The second read() raises RuntimeError while the first waits. Two tasks that write and await drain() are fine.

Instead: one task reads, and hands on what came; or a lock around each read, if it must not matter who gets what.

Sources: Python documentation, StreamReader; Python issue gh-74116 for drain().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

RAISED = outcome("the second one raised", bites="RuntimeError in whichever task comes second")
BOTH = outcome("both got data")
KNOWN = known(trap=[seen(RAISED)], remedy=[seen(BOTH)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )

    async def worker():
        kit.handle(await reader.read(1))

    await asyncio.gather(worker(), worker())
    writer.close()


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    lock = asyncio.Lock()

    async def worker():
        async with lock:
            data = await reader.read(1)
        kit.handle(data)

    await asyncio.gather(worker(), worker())
    writer.close()


# --- Protocol ---
protocol_trap = None  # it asks for no data
protocol_remedy = None


# --- How it is observed: two bytes, for two tasks that wait for one each ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            subject.settle()
            peer.sendall(b"ab")
            try:
                call.result()
            except RuntimeError as error:
                kit.tell(f"raised {error!r}")
                return RAISED
    got = sorted(kit.handled(2))
    kit.tell(f"the tasks got {got}")
    return kit.one_of(tuple(got), {(b"a", b"b"): BOTH})


if __name__ == "__main__":
    kit.main()
