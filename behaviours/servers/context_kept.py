"""A context variable set for a connection is gone at its next callback, or shows in another one

On asyncio what connection_made() sets lasts as long as the call: the callbacks that follow see what was set when the
server was made. On uvloop they keep it, and so does the next connection: the log lines of one client bear the name of
another. A Streams handler is a task, and has a context of its own.

Instead: keep what belongs to a connection in attributes of its Protocol.

Sources: Python documentation, contextvars; Python issue gh-140947; found by an experiment on uvloop.
"""

import asyncio
import contextvars

from behaviours import kit
from behaviours.known import known, outcome, seen

LEAKED = outcome("leaked to the next", bites="one client's name stands for another's")
GONE = outcome("gone at once", bites="log lines without the name that was set")
KEPT = outcome("kept, and its own")
KNOWN = known(
    trap=[seen(LEAKED, api="protocol", loop="uvloop"), seen(GONE, api="protocol", fixed="3.15.0"), seen(KEPT)],
    remedy=[seen(KEPT)],
)


# --- Streams ---
NAME = contextvars.ContextVar("NAME", default="nobody")


async def streams_trap(reader, writer):
    kit.handle(NAME.get())
    NAME.set("first")
    await reader.readline()
    kit.handle(NAME.get())


streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        kit.handle(NAME.get())
        NAME.set("first")

    def data_received(self, data):
        kit.handle(NAME.get())


class ProtocolRemedy(asyncio.Protocol):
    name = "nobody"

    def connection_made(self, transport):
        kit.handle(self.name)
        self.name = "first"

    def data_received(self, data):
        kit.handle(self.name)


# --- How it is observed: the variable as the first connection sees it later, and as the second finds it ---
def experiment(subject):
    address = subject.serve()
    with kit.connect(address) as first:
        kit.handled(1)
        first.sendall(b"hello\n")
        kit.handled(2)
        with kit.connect(address):
            before, later, other = kit.handled(3)
    kit.tell(f"the first connection found {before!r}, set 'first', and saw {later!r} later; the second found {other!r}")
    seen_as = {("first", "nobody"): KEPT, ("nobody", "nobody"): GONE, ("first", "first"): LEAKED}
    return kit.one_of((later, other), seen_as)


if __name__ == "__main__":
    kit.main()
