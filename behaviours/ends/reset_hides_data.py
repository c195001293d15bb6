"""What came before a reset cannot be read any more with Streams

A reset makes every later read() raise, and what had been received and not yet read stays in the reader's buffer for
good. A Protocol was handed the data before it heard of the reset.

Instead: let a task of its own read all the time, also while you write or compute.

Sources: Python issue gh-75044.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

LOST = outcome("the data were lost", bites="a reply that had come is thrown away")
READ = outcome("the data were read")
KNOWN = known(trap=[seen(READ, api="protocol"), seen(LOST)], remedy=[seen(READ)])


# --- Streams ---
async def streams_trap(reader, writer):
    await kit.work()
    try:
        kit.handle(await reader.read(65536))
    except ConnectionResetError:
        kit.handle("reset")


async def streams_remedy(reader, writer):
    async def read():
        kit.handle(await reader.read(65536))

    reading = asyncio.create_task(read())
    await kit.work()
    await reading


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        kit.work()

    def data_received(self, data):
        kit.handle(data)

    def connection_lost(self, error):
        kit.handle("reset")


protocol_remedy = None


# --- How it is observed: five bytes and then a reset, while the server is busy with something else ---
def experiment(subject):
    client = kit.connect(subject.serve())
    client.sendall(b"reply")
    subject.settle()
    kit.reset(client)
    subject.settle()
    kit.finish_work()
    first = kit.handled()[0]
    kit.tell(f"the server's program got {first!r}")
    return kit.one_of(first, {"reset": LOST, b"reply": READ})


if __name__ == "__main__":
    kit.main()
