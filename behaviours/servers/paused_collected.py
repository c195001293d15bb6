"""A connection that has paused reading and is held by nobody is thrown away

A loop holds a connection because it waits for its data. One that has called pause_reading() and has nothing to send is
held by whoever will resume it: a WeakSet, which is right for a list of connections elsewhere, does not. The next
garbage collection closes the socket, without connection_lost(). A Streams handler is held by what it waits for.

Instead: keep those that are there in a set, from connection_made() to connection_lost().

Sources: found by an experiment.
"""

import asyncio
import gc
import weakref

from behaviours import kit
from behaviours.known import known, outcome, seen

VANISHED = outcome("the connection vanished", bites="clients are cut off, and nobody is told")
STAYS = outcome("the connection stays")
KNOWN = known(trap=[seen(STAYS, api="streams"), seen(VANISHED)], remedy=[seen(STAYS)])

WEAK, STRONG = weakref.WeakSet(), set()


# --- Streams ---
async def streams_trap(reader, writer):
    WEAK.add(writer)
    kit.handle(await reader.read(65536))
    await kit.work()  # the reader pauses by itself


streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    clients = WEAK

    def connection_made(self, transport):
        self.transport = transport
        self.clients.add(self)

    def data_received(self, data):
        self.transport.pause_reading()
        kit.handle(data)

    def connection_lost(self, error):
        kit.handle("lost")
        self.clients.discard(self)


class ProtocolRemedy(ProtocolTrap):
    clients = STRONG


# --- How it is observed: a garbage collection while the server has paused ---
def experiment(subject):
    with kit.connect(subject.serve(hold=False)) as client:
        client.sendall(b"hello")
        kit.handled()
        subject.settle()
        subject.on_loop(gc.collect)
        end = kit.hears(client)
    kit.tell("the client heard nothing" if end is None else "the client saw the end")
    kit.tell(f"the server's program has heard {kit.handled()}")
    return kit.one_of(end, {None: STAYS, b"": VANISHED})


if __name__ == "__main__":
    kit.main()
