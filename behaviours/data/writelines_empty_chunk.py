"""writelines() with an empty chunk at the end never ends the connection

From 3.12.0 on, until it was mended, asyncio's writelines() keeps an empty last chunk. It can never be sent, so the loop
tries for ever, at full load, and close() waits for it: the peer sees no end.

Instead: `write(b"".join(chunks))`.

Sources: Python issue gh-155888.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

NO_END = outcome("the end never came", bites="the peer waits, and the loop computes for ever")
ENDED = outcome("data and the end came")
KNOWN = known(
    trap=[
        seen(ENDED, loop="uvloop"),
        seen(NO_END, since="3.12.0", fixed="3.14.10, 3.15.2", bug="gh-155888"),
        seen(ENDED),
    ],
    remedy=[seen(ENDED)],
)


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    writer.writelines([b"data", b""])
    writer.close()
    await writer.wait_closed()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"".join([b"data", b""]))
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    transport.writelines([b"data", b""])
    transport.close()
    await client.lost


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    transport.write(b"".join([b"data", b""]))
    transport.close()
    await client.lost


# --- How it is observed: the peer has the data, and waits for the end ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            kit.tell(f"the peer got {kit.answer(peer)}")
            end = kit.hears(peer)
            if end is None and not call.has_returned():
                kit.tell("then nothing: close() is still waiting")
                return NO_END
    kit.tell("then the end of file")
    return kit.one_of(end, {b"": ENDED})


if __name__ == "__main__":
    kit.main()
