"""An error in a Protocol's constructor is hidden on asyncio, and leaves the client hanging on uvloop

The factory of create_server() is called for each client. When it raises, asyncio closes the connection and logs nothing
unless it is in debug mode: the server looks well, and serves nobody. uvloop logs the error, and the client stays
connected to nothing. With Streams the factory is not yours.

Instead: do in connection_made() what can fail, with a `try`, and abort() the transport at an error.

Sources: Python issue gh-155941; found by an experiment on uvloop.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

HIDDEN = outcome("closed, nothing logged", bites="a server that serves nobody looks well")
HANGS = outcome("logged, the client hangs", bites="the client waits for a server that has failed")
CLOSED = outcome("closed and logged")
KNOWN = known(trap=[seen(HANGS, loop="uvloop"), seen(HIDDEN)], remedy=[seen(CLOSED)])


# --- Streams ---
streams_trap = None  # its factory is not yours
streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def __init__(self):
        self.settings = {}["no such"]


class ProtocolRemedy(asyncio.Protocol):
    def connection_made(self, transport):
        try:
            self.settings = {}["no such"]
        except KeyError:
            transport.abort()
            raise  # to the log


# --- How it is observed: a client that waits for the end, and what was logged ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        end = kit.hears(client)
        subject.settle()
    log = kit.logged()
    kit.tell("the client heard nothing" if end is None else "the client saw the end of file")
    for line in log:
        kit.tell(f"logged: {line}")
    return kit.one_of((end, bool(log)), {(b"", False): HIDDEN, (None, True): HANGS, (b"", True): CLOSED})


if __name__ == "__main__":
    kit.main()
