"""An error in connection_made() leaves the client connected, and nobody there

What connection_made() raises is logged, and that is all: the connection stays open as long as the transport is held,
and the client waits. An error in data_received() ends it. With Streams the handler is a task, and its error closes the
connection.

Instead: guard connection_made() by a `try`, and abort() the transport at an error.

Sources: Python issue gh-110894.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

OPEN = outcome("stays connected, unserved", bites="the client waits for a server that has failed")
ENDED = outcome("the client saw the end")
KNOWN = known(trap=[seen(OPEN, api="protocol"), seen(ENDED)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(reader, writer):
    raise ValueError("a client that we do not like")


streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        raise ValueError("a client that we do not like")


class ProtocolRemedy(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        try:
            raise ValueError("we do not like it")
        except ValueError:
            transport.abort()
            raise  # to the log


# --- How it is observed: a client that waits for the end ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        end = kit.hears(client)
    for line in kit.logged():
        kit.tell(f"logged: {line}")
    kit.tell("the client heard nothing" if end is None else "the client saw the end of file")
    return kit.one_of(end, {None: OPEN, b"": ENDED})


if __name__ == "__main__":
    kit.main()
