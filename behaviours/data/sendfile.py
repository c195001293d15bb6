"""loop.sendfile() is not there on uvloop

asyncio sends a file by the system's own call, without a copy in the program, and by reading where that does not go.
uvloop raises NotImplementedError, before anything is sent.

Instead: catch NotImplementedError, and copy the file yourself.

Sources: uvloop issues #228 and #549; Python documentation, loop.sendfile().
"""

import asyncio
from pathlib import Path

from behaviours import kit
from behaviours.known import known, outcome, seen

RAISED = outcome("NotImplementedError", bites="a server that sends files fails on uvloop")
SENT = outcome("the file was sent")
KNOWN = known(trap=[seen(RAISED, loop="uvloop"), seen(SENT)], remedy=[seen(SENT)])


# --- Streams ---
async def streams_trap(address, file):
    _, writer = await asyncio.open_connection(*address)
    loop = asyncio.get_running_loop()
    await loop.sendfile(writer.transport, file)
    writer.close()


async def streams_remedy(address, file):
    _, writer = await asyncio.open_connection(*address)
    loop = asyncio.get_running_loop()
    try:
        await loop.sendfile(writer.transport, file)
    except NotImplementedError:
        while data := file.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


# --- Protocol ---
async def protocol_trap(address, file):
    transport, _ = await kit.connected(address)
    loop = asyncio.get_running_loop()
    await loop.sendfile(transport, file)
    transport.close()


async def protocol_remedy(address, file):
    transport, client = await kit.connected(address)
    loop = asyncio.get_running_loop()
    try:
        await loop.sendfile(transport, file)
    except NotImplementedError:
        while data := file.read(65536):
            transport.write(data)
            await client.may_write.wait()
    transport.close()


# --- How it is observed: the file is this one ---
def experiment(subject):
    content = Path(__file__).read_bytes()
    with kit.listener() as listener, open(__file__, "rb") as file:
        call = subject.begin(listener.getsockname(), file)
        peer, _ = listener.accept()
        with peer:
            try:
                call.result()
            except NotImplementedError as error:
                kit.tell(f"raised {error!r}")
                return RAISED
            got = kit.all_of(peer)
    kit.tell(f"{'all' if got == content else 'not all'} of the file came")
    return kit.one_of(got, {content: SENT})


if __name__ == "__main__":
    kit.main()
