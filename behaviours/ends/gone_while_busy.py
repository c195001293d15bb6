"""Who does not read is not told that the peer has gone

A server works on a request and reads nothing meanwhile: a Protocol has called pause_reading(), a Streams handler awaits
something else. The client leaves, by a reset even, and nothing happens: the work goes on for nobody. The end is found
with the next read.

Instead: go on reading while you work, and cancel the work at the end of file.

Sources: Python documentation, ReadTransport.pause_reading(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WORKED = outcome("worked for nobody", bites="clients that have gone keep the server busy")
STOPPED = outcome("the work was stopped")
KNOWN = known(trap=[seen(WORKED)], remedy=[seen(STOPPED)])


# --- Streams ---
async def streams_trap(reader, writer):
    await reader.readline()
    work = kit.work()
    work.add_done_callback(kit.handle)
    await work


async def streams_remedy(reader, writer):
    await reader.readline()
    work = kit.work()
    work.add_done_callback(kit.handle)
    more = asyncio.create_task(reader.read(65536))
    more.add_done_callback(lambda _: work.cancel())
    await work


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.pause_reading()
        self.work = kit.work()
        self.work.add_done_callback(kit.handle)


class ProtocolRemedy(asyncio.Protocol):
    def data_received(self, data):
        self.work = kit.work()
        self.work.add_done_callback(kit.handle)

    def connection_lost(self, error):
        self.work.cancel()


# --- How it is observed: the client resets, and only if the work goes on it is done later ---
def experiment(subject):
    client = kit.connect(subject.serve())
    client.sendall(b"request\n")
    subject.settle()
    kit.reset(client)
    if not kit.happens(lambda: kit.handled(0)):
        kit.tell("the client has gone, and the work goes on")
        kit.finish_work()
    (work,) = kit.handled()
    kit.tell("the work was cancelled" if work.cancelled() else "the work was done to its end")
    return STOPPED if work.cancelled() else WORKED


if __name__ == "__main__":
    kit.main()
