"""pause_reading() in connection_made() is forgotten on uvloop

A server that is not ready yet wants its client to wait, and pauses reading as soon as the connection is made. On
asyncio nothing is read until resume_reading(). uvloop starts to read when connection_made() has returned, paused or
not: data_received() is called with what the client sends.

Instead: pause in data_received(), where it works, and keep the first piece. A callback of call_soon() may be too late.

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


class ProtocolRemedy(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.kept = []
        self.work = kit.work()
        self.work.add_done_callback(self.ready)

    def ready(self, _):
        for data in self.kept:
            kit.handle(data)
        self.transport.resume_reading()

    def data_received(self, data):
        if self.work.done():
            kit.handle(data)
        else:
            self.kept.append(data)
            self.transport.pause_reading()


# --- How it is observed: the data are there when the connection is made ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"hello")
        kit.must_happen(lambda: subject.protocols)
        if kit.happens(lambda: kit.handled(0)):
            kit.tell("data_received() was called while reading was paused")
            return READ
        kit.finish_work()
        kit.tell(f"after resume_reading(): {kit.handled()}")
        return WAITED


if __name__ == "__main__":
    kit.main()
