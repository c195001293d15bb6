"""Server.close() takes no new clients, and leaves those that are there alone

The server stops to listen when close() is called: who comes later is refused. The connections that it has go on, until
they are closed themselves.

Sources: Python documentation, Server.close().
"""

import asyncio

from behaviours import kit
from behaviours.known import known, outcome, seen

GOES_ON = outcome("goes on, new ones refused")
KNOWN = known(rely=[seen(GOES_ON)])


# --- Streams ---
async def streams_rely(sock):
    server = await asyncio.start_server(
        kit.echo,
        sock=sock,
    )
    await kit.work()
    server.close()


# --- Protocol ---
async def protocol_rely(sock):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(kit.Echo, sock=sock)
    await kit.work()
    server.close()


# --- How it is observed: one client before, and one after close() ---
def experiment(subject):
    listener = kit.listener()
    address = listener.getsockname()
    call = subject.begin(listener)
    with kit.connect(address) as client:
        kit.echoed(client)
        kit.finish_work()
        call.result()
        subject.settle()
        try:
            kit.connect(address).close()
        except ConnectionRefusedError:
            kit.tell("a new client was refused")
        else:
            return kit.unforeseen("a new client was connected")
        if not kit.is_served(client, 100):
            return kit.unforeseen("the old client was served no more")
        kit.tell("the old one was answered a hundred times")
    return GOES_ON


if __name__ == "__main__":
    kit.main()
