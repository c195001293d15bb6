"""A BufferedProtocol whose buffer is full loses its connection

get_buffer() hands out what is left of a buffer in which a message is collected. One that is longer leaves nothing, and
a buffer of no bytes is an error: the connection is cut in mid-message. It works as long as every message is short.

Instead: make the buffer larger when it is full, up to a limit at which you close.

Sources: Python documentation, BufferedProtocol.get_buffer().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

CUT = outcome("the connection was cut", bites="a message longer than the buffer ends it")
WHOLE = outcome("the message came whole")
KNOWN = known(trap=[seen(CUT)], remedy=[seen(WHOLE)])


# --- Streams ---
streams_trap = None  # its buffer is not yours
streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer, self.filled = bytearray(8), 0

    def get_buffer(self, sizehint):
        return memoryview(self.buffer)[self.filled :]

    def buffer_updated(self, nbytes):
        self.filled += nbytes
        if self.buffer[: self.filled].endswith(b"\n"):
            kit.handle(bytes(self.buffer[: self.filled]))
            self.filled = 0


class ProtocolRemedy(ProtocolTrap):
    def get_buffer(self, sizehint):
        if self.filled == len(self.buffer):
            self.buffer = self.buffer + bytes(self.filled)
        return super().get_buffer(sizehint)


# --- How it is observed: a message that is longer than the buffer ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"a longer message\n")
        kit.must_happen(lambda: kit.handled(0) or kit.logged())
        if kit.handled(0):
            kit.tell(f"the server's program got {kit.handled()[0]}")
            return WHOLE
        kit.ending(client)
        kit.tell(f"logged, and then it was closed: {kit.logged()[0]}")
    return CUT


if __name__ == "__main__":
    kit.main()
