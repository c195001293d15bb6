"""A server that writes without waiting takes all that its slowest client does not read

write() never waits: what the socket does not take is kept in memory. A client that asks and does not read the answers
fills the memory of the server, one that reads slowly likewise, and nobody is told.

Instead: `await writer.drain()` after each write(); in a Protocol stop reading in pause_writing(), and go on in
resume_writing(). TCP then holds the client up.

Sources: Python documentation, StreamWriter.drain() and Protocol.pause_writing().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TOOK = outcome("took all, kept the answers", bites="a client that does not read fills the memory")
HELD = outcome("held the client up")
KNOWN = known(trap=[seen(TOOK)], remedy=[seen(HELD)])


# --- Streams ---
async def streams_trap(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)


async def streams_remedy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class ProtocolRemedy(ProtocolTrap):
    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


# --- How it is observed: a client sends 32 MiB, if it may, and reads nothing ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        sent = kit.fill(client)
    kit.tell(f"of the client's 32 MiB {'all' if sent == kit.FILL_BYTES else 'not all'} were taken")
    return TOOK if sent == kit.FILL_BYTES else HELD


if __name__ == "__main__":
    kit.main()
