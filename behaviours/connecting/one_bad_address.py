"""From 3.13 on a server may serve at a part of its addresses, without an error

A server is told to listen at two addresses, and one of them is not of this machine. It used to be an error. asyncio
from 3.13 on serves at what it can have, says the rest in a warning, and raises only where there is nothing: a slip in
the settings turns some of the clients away.

Instead: count `server.sockets`.

Sources: Python documentation, loop.create_server(); found by an experiment.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

HALF = outcome("serves at one of two", bites="some clients are refused, and nobody knows")
RAISED = outcome("OSError")
KNOWN = known(
    trap=[seen(RAISED, loop="uvloop"), seen(HALF, since="3.13.0"), seen(RAISED)],
    remedy=[seen(RAISED)],
)


# --- Streams ---
async def streams_trap(hosts):
    return await asyncio.start_server(kit.echo, hosts, 0)


async def streams_remedy(hosts):
    server = await asyncio.start_server(
        kit.echo,
        hosts,
        0,
    )
    if len(server.sockets) < len(hosts):
        server.close()
        raise OSError(f"not all of {hosts}")
    return server


# --- Protocol ---
async def protocol_trap(hosts):
    loop = asyncio.get_running_loop()
    return await loop.create_server(kit.Echo, hosts, 0)


async def protocol_remedy(hosts):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, hosts, 0)
    if len(server.sockets) < len(hosts):
        server.close()
        raise OSError(f"not all of {hosts}")
    return server


# --- How it is observed: 192.0.2.1 is an address for documentation, which no machine has ---
def experiment(subject):
    try:
        server = subject.call(["127.0.0.1", "192.0.2.1"])
    except OSError as error:
        kit.tell(f"raised {type(error).__name__}")
        return RAISED
    hosts = [sock.getsockname()[0] for sock in server.sockets]
    kit.tell(f"it listens at {', '.join(hosts)}")
    return kit.one_of(tuple(hosts), {("127.0.0.1",): HALF})


if __name__ == "__main__":
    kit.main()
