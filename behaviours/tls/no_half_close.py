"""Over TLS nobody can shut down the sending side alone

A client that says "that was all" by write_eof() works over TCP and raises NotImplementedError over TLS:
asyncio and uvloop have no half-close there. It is found when TLS is turned on.

Instead: say in the data where they end, or ask can_write_eof() first.

Sources: Python documentation, WriteTransport.can_write_eof() and write_eof().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

RAISED = outcome("NotImplementedError", bites="an error as soon as TLS is turned on")
SAID = outcome("the end was understood")
KNOWN = known(trap=[seen(RAISED)], remedy=[seen(SAID)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    kit.handle(writer)
    writer.write(b"request")
    writer.write_eof()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    kit.handle(writer)
    writer.write(b"request\n")


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
    )
    kit.handle(client)
    transport.write(b"request")
    transport.write_eof()


async def protocol_remedy(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
    )
    kit.handle(client)
    transport.write(b"request\n")


# --- How it is observed: a peer that reads until the end of the line, or the end of the data ---
def experiment(subject):
    kit.client_tls()  # says it here where there are no certificates to be had
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        sock, _ = listener.accept()
        with sock:
            peer = kit.TLSPeer(sock, server_side=True)
            got = peer.answer()
            try:
                call.result()
            except NotImplementedError as error:
                kit.tell(f"write_eof() raised {error!r}")
                return RAISED
    kit.tell(f"the peer got {got}")
    return kit.one_of(got, {b"request\n": SAID})


if __name__ == "__main__":
    kit.main()
