"""Ctrl-C does not end a server that has a client, on 3.12 and 3.13

The documentation's way to serve, `async with server: await server.serve_forever()`, is cancelled by Ctrl-C, and then
waits for every client to leave on 3.12 and 3.13. A Streams server can be told a second time, a Protocol server not even
that. On uvloop it ends at once.

Instead: have Ctrl-C set an Event, and close the connections yourself: keep them in a set.

Sources: Python issue gh-123720; Python documentation, Server.wait_closed() and loop.add_signal_handler().
"""

import asyncio
import signal

from behaviours import kit
from behaviours.known import known, outcome, seen

ENDED = outcome("ended at once")
SECOND = outcome("ended at the second Ctrl-C", bites="a server that does not stop when it is told")
NEVER = outcome("ended when the client left", bites="one client keeps the server from stopping")
KNOWN = known(
    trap=[
        seen(ENDED, loop="uvloop"),
        seen(SECOND, api="streams", since="3.12.1", fixed="3.14.0"),
        seen(NEVER, api="protocol", since="3.12.1", fixed="3.14.0"),
        seen(ENDED),
    ],
    remedy=[seen(ENDED)],
)


# --- Streams ---
async def streams_trap(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    async with server:
        await server.serve_forever()


async def streams_remedy(sock):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await stop.wait()
    server.close()
    for transport in list(kit.live):
        transport.abort()


# --- Protocol ---
async def protocol_trap(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    async with server:
        await server.serve_forever()


async def protocol_remedy(sock):
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    server = await loop.create_server(kit.Echo, sock=sock)
    await stop.wait()
    server.close()
    for transport in list(kit.live):
        transport.abort()


# --- How it is observed: a client that is answered a hundred times after Ctrl-C has met no end ---
def experiment(subject):
    program = subject.server_program()
    with kit.connect(program.address) as client:
        kit.echoed(client)
        program.interrupt()
        if not kit.is_served(client, 100):
            kit.tell(f"exit code {program.exit_code()}")
            return ENDED
        kit.tell("after the first Ctrl-C the client was answered a hundred times")
        program.interrupt()
        if not kit.is_served(client, 100):
            kit.tell(f"exit code {program.exit_code()}")
            return SECOND
        kit.tell("after the second, too")
    kit.tell(f"exit code {program.exit_code()}")
    return NEVER


if __name__ == "__main__":
    kit.main()
