"""A request that comes with TLS's goodbye can be read by Streams, and not answered

A client that writes its request and closes sends both at once: the last record, and close_notify. TLS has no
half-close, so the transport is closed when the goodbye is read, and a Streams handler, which runs only after that,
has its reply dropped. A Protocol is given the request first, and its reply goes out.

Instead: let the client say by its data where a request ends, and close only when it has the reply.

Sources: Python documentation, Transport.can_write_eof(); RFC 8446, section 6.1.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

LOST = outcome("read, the reply was lost", bites="the client gets no reply to what was handled")
CAME = outcome("read and answered")
KNOWN = known(trap=[seen(CAME, api="protocol"), seen(LOST)])


# --- Streams ---
async def streams_trap(reader, writer):
    while data := await reader.read(65536):
        kit.handle(data)
        writer.write(b"reply")
    writer.close()


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        kit.handle(data)
        self.transport.write(b"reply")


# --- How it is observed: both records in one packet ---
def experiment(subject):
    with kit.connect(subject.serve(**kit.server_tls())) as sock:
        client = kit.TLSPeer(sock)
        client.send(client.record(b"request"), client.goodbye())
        kit.tell(f"the server read {kit.handled()}")
        got = client.all_of()
    kit.tell(f"the client got {got}")
    return kit.one_of(got, {b"reply": CAME, b"": LOST})


if __name__ == "__main__":
    kit.main()
