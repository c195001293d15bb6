"""A socket that was never connected is taken without an error

`sock=` expects a socket that is connected. One that is not is taken all the same, and the connection is lost a moment
later: the error comes where nobody looks for it, in read() or connection_lost().

Instead: `await loop.sock_connect(sock, address)` first.

Sources: Python documentation, loop.create_connection(); found by an experiment.
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

TAKEN = outcome("taken, and lost later", bites="the error comes where nobody looks for it")
CONNECTED = outcome("connected")
KNOWN = known(trap=[seen(TAKEN)], remedy=[seen(CONNECTED)])


# --- Streams ---
async def streams_trap(address):
    sock = socket.socket()
    sock.setblocking(False)
    reader, writer = await asyncio.open_connection(
        sock=sock,
    )
    kit.handle(writer)
    return await reader.read()


async def streams_remedy(address):
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    reader, writer = await asyncio.open_connection(
        sock=sock,
    )
    kit.handle(writer)
    return await reader.read()


# --- Protocol ---
async def protocol_trap(address):
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(
        kit.Client,
        sock=sock,
    )
    kit.handle(transport)
    if error := await client.lost:
        raise error
    return client.received


async def protocol_remedy(address):
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    transport, client = await loop.create_connection(
        kit.Client,
        sock=sock,
    )
    kit.handle(transport)
    if error := await client.lost:
        raise error
    return client.received


# --- How it is observed: a peer that says hello to whoever connects ---
def experiment(subject):
    with kit.listener() as listener:
        call = subject.begin(listener.getsockname())
        kit.handled()
        kit.tell("the socket was taken")
        if peer := kit.accepted(listener):
            with peer:
                peer.sendall(b"hello")
        try:
            got = call.result()
        except OSError as error:
            kit.tell(f"later: {error!r}")
            return TAKEN
    kit.tell(f"then came {got}")
    return kit.one_of(got, {b"hello": CONNECTED, b"": TAKEN})


if __name__ == "__main__":
    kit.main()
