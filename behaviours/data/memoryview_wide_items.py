"""A memoryview of numbers loses bytes: asyncio counts its items

`array` and NumPy hand out memoryviews whose items are wider than a byte. asyncio takes their number for the number of
bytes: what the socket does not take at once is cut wrongly, and a part of it is never sent. The peer gets a proper end
of file. uvloop counts bytes.

Instead: `view.cast("B")`, or `bytes(view)`.

Sources: Python issue gh-135862.
"""

import array
import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

PART = outcome("a part, and a proper end", bites="silent truncation of what is large")
WHOLE = outcome("all of it")
KNOWN = known(trap=[seen(WHOLE, loop="uvloop"), seen(PART, bug="gh-135862")], remedy=[seen(WHOLE)])

NUMBERS = array.array("Q", range(4 * 1024 * 1024))


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(memoryview(NUMBERS))
    writer.close()
    await writer.wait_closed()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(memoryview(NUMBERS).cast("B"))
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.write(memoryview(NUMBERS))
    transport.close()
    await client.lost


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    transport.write(memoryview(NUMBERS).cast("B"))
    transport.close()
    await client.lost


# --- How it is observed: the peer reads to the end, and compares ---
def experiment(subject):
    with kit.listener() as listener:
        subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            got = kit.all_of(peer)
    kit.tell(f"{'all' if got == NUMBERS.tobytes() else 'not all'} of 32 MiB, and the end of file")
    return WHOLE if got == NUMBERS.tobytes() else PART


if __name__ == "__main__":
    kit.main()
