"""write() after the connection has gone is silent on asyncio and raises on uvloop

asyncio throws the data away, with a warning from the sixth time on. uvloop raises RuntimeError, in both APIs, which
`except ConnectionError` does not catch.

Instead: ask is_closing() before you write, in the same turn of the loop.

Sources: uvloop issue #506; Python documentation, BaseTransport.is_closing().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

SILENT = outcome("no error, nothing sent")
RAISED = outcome("RuntimeError", bites="an error that nobody who tests on asyncio has seen")
ASKED = outcome("knew, and wrote nothing")
KNOWN = known(trap=[seen(RAISED, loop="uvloop"), seen(SILENT)], remedy=[seen(ASKED)])


# --- Streams ---
async def streams_trap(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.handle("connected")
    try:
        await reader.read(65536)
    except ConnectionResetError:
        writer.write(b"more")


async def streams_remedy(address):
    reader, writer = await asyncio.open_connection(
        *address,
    )
    kit.handle("connected")
    try:
        await reader.read(65536)
    except ConnectionResetError:
        if writer.is_closing():
            return "closing"
        writer.write(b"more")


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    kit.handle("connected")
    await client.lost
    transport.write(b"more")


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    kit.handle("connected")
    await client.lost
    if transport.is_closing():
        return "closing"
    transport.write(b"more")


# --- How it is observed: the peer resets, the client learns of it, and writes ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        kit.handled()
        kit.reset(peer)
        try:
            said = call.result()
        except RuntimeError as error:
            kit.tell(f"raised {type(error).__name__}: {error}")
            return RAISED
    kit.tell("it asked first" if said else "no error")
    return kit.one_of(said, {"closing": ASKED, None: SILENT})


if __name__ == "__main__":
    kit.main()
