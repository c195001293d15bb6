"""await drain() does not wait until the bytes are sent

drain() waits only while more than the high-water mark (64 KiB) is unsent. Below it it returns at once, and a program
that ends then loses the rest. A Protocol is told no more than that: pause_writing() comes only above the mark.

Instead: close(), then wait for wait_closed() or connection_lost(). They come after the last byte.

Sources: Python documentation, StreamWriter.drain() and WriteTransport.set_write_buffer_limits().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

UNSENT = outcome("returned with bytes unsent", bites="they are lost if the program ends here")
SENT = outcome("returned when all was sent")
KNOWN = known(trap=[seen(UNSENT)], remedy=[seen(SENT)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))  # more than fits
    await writer.drain()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(*address)
    while writer.transport.get_write_buffer_size() == 0:
        writer.write(bytes(32768))
    writer.close()
    await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))  # more than fits
    await client.may_write.wait()


async def protocol_remedy(address):
    transport, client = await kit.connected(address)
    while transport.get_write_buffer_size() == 0:
        transport.write(bytes(32768))
    transport.close()
    await client.lost


# --- How it is observed: the peer reads nothing until the call returns, or is seen to wait ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            if call.returns():
                kit.tell("it returned while the peer had not begun to read")
                return UNSENT
            kit.tell("it waits for the peer to read")
            kit.all_of(peer)
            call.result()
            return SENT


if __name__ == "__main__":
    kit.main()
