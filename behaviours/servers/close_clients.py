"""close_clients() of a server is not there before 3.13, and not on uvloop

Python 3.13 has Server.close_clients() and abort_clients(), which end all connections. Older releases raise
AttributeError, and so does uvloop's server on every Python: a program that stops properly on one loop fails on the
other, and only when it stops.

Instead: keep the connections in a set of your own, and close those.

Sources: Python issue gh-113538; Python documentation, Server.close_clients(); uvloop issue 683.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

LACKS = outcome("AttributeError", bites="an error when the program stops")
CLOSED = outcome("the client was closed")
KNOWN = known(
    trap=[seen(LACKS, loop="uvloop"), seen(CLOSED, since="3.13.0"), seen(LACKS)],
    remedy=[seen(CLOSED)],
)


# --- Streams ---
async def streams_trap(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await kit.work()
    server.close()
    server.close_clients()


async def streams_remedy(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await kit.work()
    server.close()
    for transport in list(kit.live):
        transport.close()


# --- Protocol ---
async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    await kit.work()
    server.close()
    server.close_clients()


async def protocol_remedy(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    await kit.work()
    server.close()
    for transport in list(kit.live):
        transport.close()


# --- How it is observed: what the call raises, and what the client sees ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener)
        with kit.connect(listener.getsockname()) as client:
            kit.echoed(client)
            kit.finish_work()
            try:
                call.result()
            except AttributeError as error:
                kit.tell(f"AttributeError: {error}")
                return LACKS
            end = kit.ending(client)
    kit.tell(f"no error; the client saw: {end}")
    return kit.one_of(end, {"EOF": CLOSED})


if __name__ == "__main__":
    kit.main()
