"""What came together with the request to upgrade is lost to the new protocol

set_protocol() hands a connection over to another Protocol, as a WebSocket's upgrade does. It concerns what comes from
now on: the rest of the piece that has come already stays with the first one, and in Streams in the reader's buffer. A
client that does not wait for the answer loses its first data.

Instead: pass the rest on yourself; with Streams stay with the reader, and read on.

Sources: Python documentation, BaseTransport.set_protocol(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

LOST = outcome("the rest was lost", bites="a client that sends at once loses its first data")
WHOLE = outcome("all came to the new one")
KNOWN = known(trap=[seen(LOST)], remedy=[seen(WHOLE)])


# --- Streams ---
async def streams_trap(reader, writer):
    await reader.readline()  # the request
    upgraded = kit.Echo()
    upgraded.connection_made(writer.transport)
    writer.transport.set_protocol(upgraded)
    await kit.work()  # hold the writer


async def streams_remedy(reader, writer):
    await reader.readline()
    await kit.echo(reader, writer)


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        upgraded = kit.Echo()
        upgraded.connection_made(self.transport)
        self.transport.set_protocol(upgraded)


class ProtocolRemedy(ProtocolTrap):
    def data_received(self, data):
        _, _, rest = data.partition(b"\n")
        upgraded = kit.Echo()
        upgraded.connection_made(self.transport)
        self.transport.set_protocol(upgraded)
        if rest:
            upgraded.data_received(rest)


# --- How it is observed: the request with a first word in one packet, and then a second word ---
def experiment(subject):
    with kit.connect(subject.serve()) as client:
        client.sendall(b"upgrade\nfirst, ")
        subject.settle()
        client.sendall(b"second\n")
        got = b""
        while not got.endswith(b"\n"):
            got += kit.answer(client)
    kit.tell(f"the new protocol has sent back {got}")
    return kit.one_of(got, {b"second\n": LOST, b"first, second\n": WHOLE})


if __name__ == "__main__":
    kit.main()
