"""asyncio sends at once only on a socket that names its protocol

It sets TCP_NODELAY where the socket was made with IPPROTO_TCP. socket.socket(), create_server() and fromfd() leave 0
there, and accept() hands on what the listener has. The second of two small writes then waits until the peer has
acknowledged the first, on Linux for 40 ms: so does the first answer of a TLS server with Streams, which comes behind
the session tickets. uvloop sets the option in any case.

Instead: `socket.socket(family, SOCK_STREAM, IPPROTO_TCP)`, also for a listener.

Sources: asyncio's base_events._set_nodelay(); found by an experiment.
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

WAITS = outcome("TCP_NODELAY is off", bites="a second small write waits for the peer")
AT_ONCE = outcome("TCP_NODELAY is on")
KNOWN = known(trap=[seen(AT_ONCE, loop="uvloop"), seen(WAITS)], remedy=[seen(AT_ONCE)])


# --- Streams ---
async def streams_trap(address):
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    _, writer = await asyncio.open_connection(sock=sock)
    return writer


async def streams_remedy(address):
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    _, writer = await asyncio.open_connection(sock=sock)
    return writer


# --- Protocol ---
async def protocol_trap(address):
    sock = socket.socket()
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    transport, _ = await loop.create_connection(
        kit.Client,
        sock=sock,
    )
    return transport


async def protocol_remedy(address):
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, address)
    transport, _ = await loop.create_connection(
        kit.Client,
        sock=sock,
    )
    return transport


# --- How it is observed: the kernel is asked for the option of the connection ---
def experiment(subject):
    with kit.listener() as listener:
        connection = subject.call(listener.getsockname())
        sock = connection.get_extra_info("socket")
        is_on = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    kit.tell(f"TCP_NODELAY is {'on' if is_on else 'off'}")
    return AT_ONCE if is_on else WAITS


if __name__ == "__main__":
    kit.main()
