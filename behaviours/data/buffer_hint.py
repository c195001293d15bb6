"""get_buffer(sizehint) is told -1 on asyncio

The hint says how large a buffer would be good. uvloop says 65536, and `bytearray(sizehint)` works. asyncio says -1,
which stands for any size: there it is a ValueError, and the first data end the connection.

Instead: choose a size yourself.

Sources: Python documentation, BufferedProtocol.get_buffer().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

ENDED = outcome("ended by the first data", bites="what ran on uvloop serves nobody on asyncio")
CAME = outcome("the data came")
KNOWN = known(trap=[seen(CAME, loop="uvloop"), seen(ENDED)], remedy=[seen(CAME)])


# --- Streams ---
streams_trap = None  # its buffer is not yours
streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.BufferedProtocol):
    def get_buffer(self, sizehint):
        self.buffer = bytearray(sizehint)
        return self.buffer

    def buffer_updated(self, nbytes):
        kit.handle(bytes(self.buffer[:nbytes]))


class ProtocolRemedy(ProtocolTrap):
    def get_buffer(self, sizehint):
        return super().get_buffer(65536)


# --- How it is observed: what comes of a client's first data ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"hello")
        kit.must_happen(lambda: kit.handled(0) or kit.logged())
        if kit.handled(0):
            kit.tell(f"the server's program got {kit.handled()[0]}")
            return CAME
        kit.ending(client)
        kit.tell(f"logged, and then it was closed: {kit.logged()[0]}")
    return ENDED


if __name__ == "__main__":
    kit.main()
