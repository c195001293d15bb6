"""A connection that is kept open at the end of file is kept for ever

A client has said all and gone. A Protocol whose eof_received() returns True, or a Streams handler whose other task
waits for news to send, keeps the connection: nothing more comes that could tell it, and each such client takes a
descriptor and memory until the server ends.

Instead: when you are told of the end of file, finish what there is to do, and close.

Sources: Python documentation, Protocol.eof_received() and asyncio.TaskGroup.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

KEPT = outcome("kept, the client has gone", bites="each client that leaves takes a descriptor")
CLOSED = outcome("closed")
KNOWN = known(trap=[seen(KEPT)], remedy=[seen(CLOSED)])


# --- Streams ---
async def read(reader):
    while data := await reader.readline():
        kit.handle(data)


async def news(writer):
    await kit.work()  # nothing new yet
    writer.write(b"news")


async def streams_trap(reader, writer):
    kit.live.add(writer.transport)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read(reader))
        tasks.create_task(news(writer))
    writer.close()


async def streams_remedy(reader, writer):
    kit.live.add(writer.transport)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(news(writer))
        await read(reader)
        sending.cancel()
    writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        kit.live.add(transport)
        self.news = kit.work()  # nothing new yet

    def data_received(self, data):
        kit.handle(data)

    def eof_received(self):
        return True  # there may be news to send


class ProtocolRemedy(ProtocolTrap):
    def eof_received(self):
        return False  # close it


# --- How it is observed: a client closes, and whether the server's transport does, too ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"hello\n")
        kit.handled()
    (transport,) = kit.live
    closed = kit.happens(transport.is_closing)
    kit.tell(f"the client has closed, and the server's transport {'has, too' if closed else 'is open'}")
    return CLOSED if closed else KEPT


if __name__ == "__main__":
    kit.main()
