"""An end of file over TLS does not prove that the peer has sent all

TLS ends by a goodbye, close_notify, and anybody on the way can cut the connection without it. asyncio and uvloop
make no difference: read() gives b"", connection_lost() gets None, as at a proper end. What was cut looks complete.

Instead: say in the data where they end: a length, or a last line.

Sources: RFC 8446, section 6.1; Python documentation, StreamReader.readexactly().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WHOLE = outcome("taken for a proper end", bites="data that were cut are taken for complete")
NOTICED = outcome("the cut was noticed")
KNOWN = known(trap=[seen(WHOLE)], remedy=[seen(NOTICED)])


# --- Streams ---
async def streams_trap(reader, writer):
    try:
        kit.handle(await reader.read())
    finally:
        writer.close()


async def streams_remedy(reader, writer):
    try:
        kit.handle(await reader.readuntil(b"end\n"))
    except asyncio.IncompleteReadError:
        kit.handle("it was cut")
    finally:
        writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    received = b""

    def data_received(self, data):
        self.received += data

    def connection_lost(self, error):
        kit.handle(error or self.received)


class ProtocolRemedy(ProtocolTrap):
    def connection_lost(self, error):
        if self.received.endswith(b"end\n"):
            kit.handle(self.received)
        else:
            kit.handle("it was cut")


# --- How it is observed: half of the data come, and then the end of TCP without TLS's goodbye ---
def experiment(subject):
    with kit.connect(subject.serve(**kit.server_tls())) as sock:
        client = kit.TLSPeer(sock)
        client.send(client.record(b"half"))
        sock.shutdown(1)
        got = kit.handled()[0]
    kit.tell(f"the server took it for {got!r}")
    return kit.one_of(got, {b"half": WHOLE, "it was cut": NOTICED})


if __name__ == "__main__":
    kit.main()
