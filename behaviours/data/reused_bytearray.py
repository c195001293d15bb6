"""A bytearray that is changed after write() changes what is sent

write() takes bytes over, and not a copy: asyncio from 3.12 on and uvloop keep the very object while the socket takes no
more. Who fills the same bytearray again overwrites what has not been sent yet.

Instead: write `bytes(buffer)`, or never touch it again.

Sources: Python issue gh-91166.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

OTHER = outcome("the peer got other bytes", bites="silent corruption, under load only")
SAME = outcome("the peer got what was sent")
KNOWN = known(
    trap=[seen(OTHER, loop="uvloop"), seen(OTHER, since="3.12.0"), seen(SAME)],
    remedy=[seen(SAME)],
)


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))  # more than fits
    buffer = bytearray(b"first")
    writer.write(buffer)
    buffer[:] = b"other"
    writer.close()
    await writer.wait_closed()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))
    buffer = bytearray(b"first")
    writer.write(bytes(buffer))
    buffer[:] = b"other"
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))  # more than fits
    buffer = bytearray(b"first")
    transport.write(buffer)
    buffer[:] = b"other"
    transport.close()
    await client.lost


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))
    buffer = bytearray(b"first")
    transport.write(bytes(buffer))
    buffer[:] = b"other"
    transport.close()
    await client.lost


# --- How it is observed: the peer reads when the buffer has been filled again ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            subject.settle()
            last = kit.all_of(peer)[-5:]
            call.result()
    kit.tell(f"the last bytes are {last}")
    return kit.one_of(last, {b"first": SAME, b"other": OTHER})


if __name__ == "__main__":
    kit.main()
