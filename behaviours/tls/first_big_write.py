"""Over TLS drain() does not wait after a single large write()

The first write() is handed to TLS whole, whatever its size, and nobody looks at the high-water mark until the next one:
drain() returns at once, pause_writing() is not called. Over TCP both hold the program up.

Instead: write in pieces, of 64 KiB for instance, with a drain() after each.

Sources: Python documentation, WriteTransport.set_write_buffer_limits(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WENT_ON = outcome("went on at once", bites="whoever does not read fills the memory")
WAITED = outcome("waited for the peer")
KNOWN = known(trap=[seen(WENT_ON)], remedy=[seen(WAITED)])

PIECE = bytes(65536)
MANY = 512


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    writer.write(PIECE * MANY)
    await writer.drain()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    for _ in range(MANY):
        writer.write(PIECE)
        await writer.drain()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
    )
    transport.write(PIECE * MANY)
    await client.may_write.wait()


async def protocol_remedy(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
    )
    for _ in range(MANY):
        transport.write(PIECE)
        await client.may_write.wait()


# --- How it is observed: whether the call has returned when the loop has done what there is to do ---
def experiment(subject):
    kit.client_tls()  # says it here where there are no certificates to be had
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        sock, _ = listener.accept()
        with sock:
            peer = kit.TLSPeer(sock, server_side=True)
            if call.has_returned():
                kit.tell("it went on with 32 MiB unsent")
                return WENT_ON
            kit.tell("it waits for the peer to read")
            while not call.has_returned():
                peer.answer()
    return WAITED


if __name__ == "__main__":
    kit.main()
