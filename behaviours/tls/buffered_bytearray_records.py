"""A BufferedProtocol that hands out a bytearray loses data over TLS

Where two TLS records come in one packet, asyncio copies the second one to the wrong place: it counts the bytes, and
they are zeros. Only a bytearray from get_buffer() is concerned, and only over TLS; uvloop does it right.

Instead: return a memoryview of the bytearray.

Sources: Python issue gh-156275.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

ZEROS = outcome("zeros in their place", bites="data are replaced by zeros, without an error")
WHOLE = outcome("all data came")
KNOWN = known(trap=[seen(WHOLE, loop="uvloop"), seen(ZEROS, bug="gh-156275")], remedy=[seen(WHOLE)])


# --- Streams ---
streams_trap = None  # its buffer is not yours
streams_remedy = None


# --- Protocol ---
class ProtocolTrap(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer = bytearray(65536)

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        kit.handle(bytes(self.buffer[:nbytes]))


class ProtocolRemedy(ProtocolTrap):
    def get_buffer(self, sizehint):
        return memoryview(self.buffer)


# --- How it is observed: two records in one packet ---
def experiment(subject):
    with kit.connect(subject.serve(**kit.server_tls())) as sock:
        client = kit.TLSPeer(sock)
        client.send(client.record(b"first"), client.record(b"second"))
        kit.must_happen(lambda: len(b"".join(kit.handled())) >= len(b"firstsecond"))
    got = b"".join(kit.handled())
    kit.tell(f"received: {got}")
    return kit.one_of(got, {b"firstsecond": WHOLE, b"first" + bytes(6): ZEROS})


if __name__ == "__main__":
    kit.main()
