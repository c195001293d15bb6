"""close() waits for ever for a peer that does not read

close() sends what is in the buffer first, and has no time limit. A peer that is alive and does not read keeps
wait_closed() waiting, and connection_lost() from being called: the usual reason for a shutdown that hangs.

Instead: give it a time, then abort().

Sources: Python documentation, WriteTransport.close() and abort(); Python issue gh-83939.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("waits for the peer", bites="one deaf peer keeps the program from ending")
ENDED = outcome("ended")
KNOWN = known(trap=[seen(WAITS)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))  # more than fits
    writer.close()
    await writer.wait_closed()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))
    writer.close()
    try:
        async with asyncio.timeout(0.1):
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


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))
    transport.close()
    try:
        async with asyncio.timeout(0.1):
            await client.lost
    except TimeoutError:
        transport.abort()


# --- How it is observed: the peer is alive, and reads nothing; then it reads ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            if call.returns():
                kit.tell("it came to an end while the peer read nothing")
                return ENDED
            kit.tell("close() waits while the peer reads nothing")
            kit.all_of(peer)
            call.result()
            kit.tell("when the peer had read all, it came to an end")
    return WAITS


if __name__ == "__main__":
    kit.main()
