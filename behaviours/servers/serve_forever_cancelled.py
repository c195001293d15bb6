"""A cancelled serve_forever() is no pause: the server is closed

Cancelling the task that serves looks like a way to take no more clients for a while. It closes the server for good: new
clients are refused, and start_serving() raises a TypeError that does not say why.

Instead: close the server, and make a new one at the same address.

Sources: Python documentation, Server.serve_forever() and Server.start_serving().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

CLOSED = outcome("TypeError, it is closed", bites="the server cannot go on")
SERVES = outcome("serves again")
KNOWN = known(trap=[seen(CLOSED)], remedy=[seen(SERVES)])


# --- Streams ---
async def streams_trap():
    server = await asyncio.start_server(
        kit.echo,
        "127.0.0.1",
        0,
    )
    kit.handle(server.sockets[0].getsockname())
    task = asyncio.create_task(server.serve_forever())
    await kit.work()
    task.cancel()
    await asyncio.wait([task])
    await server.start_serving()


async def streams_remedy():
    server = await asyncio.start_server(
        kit.echo,
        "127.0.0.1",
        0,
    )
    address = server.sockets[0].getsockname()
    kit.handle(address)
    await kit.work()
    server.close()
    await asyncio.start_server(kit.echo, *address)


# --- Protocol ---
async def protocol_trap():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        kit.Echo,
        "127.0.0.1",
        0,
    )
    kit.handle(server.sockets[0].getsockname())
    task = asyncio.create_task(server.serve_forever())
    await kit.work()
    task.cancel()
    await asyncio.wait([task])
    await server.start_serving()


async def protocol_remedy():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        kit.Echo,
        "127.0.0.1",
        0,
    )
    address = server.sockets[0].getsockname()
    kit.handle(address)
    await kit.work()
    server.close()
    await loop.create_server(kit.Echo, *address)


# --- How it is observed: a client comes to the same address afterwards ---
def experiment(subject):
    call = subject.begin()
    (address,) = kit.handled()
    kit.finish_work()
    try:
        call.result()
    except TypeError as error:
        kit.tell(f"start_serving() raised {error!r}")
        return CLOSED
    with kit.connect(address) as client:
        kit.tell(f"a client was answered {kit.echoed(client)}")
    return SERVES


if __name__ == "__main__":
    kit.main()
