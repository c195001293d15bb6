"""writelines() knows no back-pressure on some releases

From 3.12.0 on asyncio's writelines() forgot to look at the high-water mark: drain() returned at once and
pause_writing() was not called, however much was unsent. A peer that does not read then fills the memory. It is known
as CVE-2024-12254.

Instead: `write(b"".join(chunks))`, or a release in which it is mended.

Sources: Python issue gh-127655.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WENT_ON = outcome("went on at once", bites="whoever does not read fills the memory")
WAITED = outcome("waited for the peer")
KNOWN = known(
    trap=[
        seen(WAITED, loop="uvloop"),
        seen(WENT_ON, since="3.12.0", fixed="3.12.9, 3.13.2", bug="gh-127655"),
        seen(WAITED),
    ],
    remedy=[seen(WAITED)],
)

CHUNKS = [bytes(1024 * 1024)] * 32


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    writer.writelines(CHUNKS)
    await writer.drain()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"".join(CHUNKS))
    await writer.drain()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.writelines(CHUNKS)
    await client.may_write.wait()


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    transport.write(b"".join(CHUNKS))
    await client.may_write.wait()


# --- How it is observed: the peer reads nothing until the call returns, or is seen to wait ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            if call.returns():
                kit.tell("it went on with 32 MiB unsent")
                return WENT_ON
            kit.tell("it waits for the peer to read")
            while not call.has_returned():
                kit.answer(peer)
            return WAITED


if __name__ == "__main__":
    kit.main()
