"""pause_reading() in connection_made() is forgotten on uvloop

A server that is not ready yet wants its client to wait, and pauses reading as soon as the connection is made. On asyncio
nothing is read until resume_reading(). uvloop starts to read after connection_made(), paused or not: what the client
sends is read, and data_received() is called.

Instead: pause in `call_soon`, when connection_made() has returned, and be ready for what has come before.

Sources: Python documentation, ReadTransport.pause_reading(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

READ = outcome("was read all the same", bites="data come before the program is ready")
WAITED = outcome("waited until resumed")
KNOWN = known(trap=[seen(READ, loop="uvloop"), seen(WAITED)], remedy=[seen(WAITED)])


# --- Streams ---
streams_trap = None  # a reader pauses by itself
streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        transport.pause_reading()
        kit.work().add_done_callback(self.ready)

    def ready(self, _):
        self.transport.resume_reading()

    def data_received(self, data):
        kit.handle(data)


class ProtocolRemedy(ProtocolTrap):
    def connection_made(self, transport):
        self.transport = transport
        loop = asyncio.get_running_loop()
        loop.call_soon(transport.pause_reading)
        kit.work().add_done_callback(self.ready)


# --- How it is observed: the client sends when the connection is made ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        kit.must_happen(lambda: subject.protocols)
        subject.settle()
        client.sendall(b"hello")
        if kit.happens(lambda: kit.handled(0)):
            kit.tell("data_received() was called while reading was paused")
            return READ
        kit.finish_work()
        kit.tell(f"after resume_reading(): {kit.handled()}")
        return WAITED


if __name__ == "__main__":
    kit.main()
