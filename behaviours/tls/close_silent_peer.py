"""close() over TLS waits half a minute for a peer that does not say goodbye

TLS ends by a goodbye of both sides. A peer that is alive and says nothing keeps wait_closed() waiting, and
connection_lost() from being called, for as long as `ssl_shutdown_timeout`: 30 seconds, if nothing else was said. A
shutdown that closes a hundred clients meets one of these.

Instead: give the connection an `ssl_shutdown_timeout` that you can wait for.

Sources: Python documentation, loop.create_connection(), ssl_shutdown_timeout.
"""

import asyncio
import contextlib

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("waits for the goodbye", bites="one silent peer holds up the shutdown")
ENDED = outcome("ended soon")
KNOWN = known(trap=[seen(WAITS)], remedy=[seen(ENDED)])


# --- Streams ---
async def streams_trap(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
    )
    writer.close()
    await writer.wait_closed()


async def streams_remedy(address):
    _, writer = await asyncio.open_connection(
        *address,
        **kit.client_tls(),
        ssl_shutdown_timeout=0.1,
    )
    writer.close()
    with contextlib.suppress(TimeoutError):
        await writer.wait_closed()


# --- Protocol ---
async def protocol_trap(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
    )
    transport.close()
    await client.lost


async def protocol_remedy(address):
    transport, client = await kit.connected(
        address,
        **kit.client_tls(),
        ssl_shutdown_timeout=0.1,
    )
    transport.close()
    await client.lost


# --- How it is observed: a peer that reads and says nothing, until the call is seen to wait ---
def experiment(subject):
    kit.client_tls()  # says it here where there are no certificates to be had
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        sock, _ = listener.accept()
        with sock:
            peer = kit.TLSPeer(sock, server_side=True)
            peer.answer()
            kit.tell(f"the client said {'goodbye' if peer.closed_properly else 'nothing'}")
            if call.returns():
                kit.tell("it came to an end while the peer said nothing")
                return ENDED
            peer.send(peer.goodbye())
            call.result()
            kit.tell("it waited until the peer said goodbye, too")
    return WAITS


if __name__ == "__main__":
    kit.main()
