"""Port 0 at two addresses is two ports

`port=0` asks for any free port. A server that listens at an IPv4 and an IPv6 address, as for the name localhost on many
machines, has another one at each. `server.sockets[0]` tells of the first: whoever is given that number, and comes by
the other address, is refused.

Instead: take port 0 at one address, and its number at the others.

Sources: Python documentation, loop.create_server() and Server.sockets.
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

TWO = outcome("refused at the second", bites="clients that use the other address are refused")
ONE = outcome("one port for both")
KNOWN = known(trap=[seen(TWO)], remedy=[seen(ONE)])


# --- Streams ---
async def streams_trap(hosts):
    server = await asyncio.start_server(
        kit.echo,
        hosts,
        0,
    )
    return server.sockets[0].getsockname()[1]


async def streams_remedy(hosts):
    first, *others = hosts
    server = await asyncio.start_server(
        kit.echo,
        first,
        0,
    )
    port = server.sockets[0].getsockname()[1]
    await asyncio.start_server(kit.echo, others, port)
    return port


# --- Protocol ---
async def protocol_trap(hosts):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, hosts, 0)
    return server.sockets[0].getsockname()[1]


async def protocol_remedy(hosts):
    loop = asyncio.get_running_loop()
    first, *others = hosts
    server = await loop.create_server(kit.Echo, first, 0)
    port = server.sockets[0].getsockname()[1]
    await loop.create_server(kit.Echo, others, port)
    return port


# --- How it is observed: a client at each of the addresses ---
def experiment(subject):
    hosts, refused = ["127.0.0.1", "::1"], []
    try:
        kit.listener("::1").close()
    except OSError:
        kit.skip("this machine has no IPv6")
    port = subject.call(hosts)
    for host in hosts:
        try:
            kit.connect((host, port)).close()
        except ConnectionRefusedError:
            refused.append(host)
    kit.tell(f"refused at: {', '.join(refused) or 'none'}")
    return kit.one_of(len(refused), {1: TWO, 0: ONE})


if __name__ == "__main__":
    kit.main()
