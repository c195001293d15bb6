"""wait_closed() of a server waits for its clients on 3.12 and later

close() ends the listening, and leaves the connections alone. wait_closed() was written to wait for them, too, and does
so since 3.12.1: one client that stays keeps it waiting, without an end. On 3.11 and on uvloop it returns at once.

Instead: keep the connections in a set, abort them, and let nothing depend on wait_closed().

Sources: Python issues gh-79033 and gh-104344; Python documentation, Server.wait_closed().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITED = outcome("waited for the client", bites="one client keeps the server from stopping")
RETURNED = outcome("returned, the client stays")
ENDED = outcome("ended with its clients")
KNOWN = known(
    trap=[seen(RETURNED, loop="uvloop"), seen(WAITED, since="3.12.1"), seen(RETURNED)],
    remedy=[seen(ENDED)],
)


# --- Streams ---
async def streams_trap(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await kit.work()
    server.close()
    await server.wait_closed()


async def streams_remedy(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await kit.work()
    server.close()
    for transport in list(kit.live):
        transport.abort()


# --- Protocol ---
async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    await kit.work()
    server.close()
    await server.wait_closed()


async def protocol_remedy(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    await kit.work()
    server.close()
    for transport in list(kit.live):
        transport.abort()


# --- How it is observed: whether it has returned while the client is served on ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener)
        with kit.connect(listener.getsockname()) as client:
            kit.echoed(client)
            kit.finish_work()
            if not kit.is_served(client, 100):
                call.result()
                kit.tell("it returned, and the client was served no more")
                return ENDED
            returned = call.has_returned()
        call.result()
    kit.tell(f"it {'returned' if returned else 'waited'} while the client was answered a hundred times")
    return RETURNED if returned else WAITED


if __name__ == "__main__":
    kit.main()
