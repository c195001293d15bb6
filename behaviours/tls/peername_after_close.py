"""Over TLS the peer's address is gone when the connection has ended

An access log that writes its line at the end asks get_extra_info("peername"). Over TLS it gets None, and with Streams
on asyncio, where both sides have closed, an AttributeError. Over TCP the address is still there: a test without TLS
shows nothing.

Instead: ask for it when the connection is made, and keep it.

Sources: Python issue gh-91635.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

RAISED = outcome("AttributeError", bites="what stands below in the clean-up is not done")
NONE = outcome("None", bites="a log without the address that it is about")
KEPT = outcome("the address")
KNOWN = known(trap=[seen(RAISED, api="streams", loop="asyncio"), seen(NONE)], remedy=[seen(KEPT)])


# --- Streams ---
async def streams_trap(reader, writer):
    await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    kit.handle(writer.get_extra_info("peername"))


async def streams_remedy(reader, writer):
    peername = writer.get_extra_info("peername")
    await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    kit.handle(peername)


# --- Protocol ---
class ProtocolTrap(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        transport = self.transport
        kit.handle(transport.get_extra_info("peername"))


class ProtocolRemedy(asyncio.Protocol):
    def connection_made(self, transport):
        self.name = transport.get_extra_info("peername")

    def connection_lost(self, error):
        kit.handle(self.name)


# --- How it is observed: a client that says goodbye ---
def experiment(subject):
    with kit.connect(subject.serve(**kit.server_tls())) as sock:
        client = kit.TLSPeer(sock)
        client.send(client.goodbye())
        kit.must_happen(lambda: kit.handled(0) or kit.logged())
        if not kit.handled(0):
            kit.tell(f"logged: {kit.logged()[0]}")
            return RAISED
        (name,) = kit.handled()
        kit.tell(f"at the end the client's address is {name}")
        return kit.one_of(name, {None: NONE, sock.getsockname(): KEPT})


if __name__ == "__main__":
    kit.main()
