"""Where a name has two addresses, a refused connection is no ConnectionRefusedError on asyncio

`localhost` is often ::1 and 127.0.0.1. When both refuse, asyncio raises a plain OSError, "Multiple exceptions", whose
errno is None, so `except ConnectionRefusedError` does not catch it. uvloop raises the last error itself.

Instead: catch OSError.

Sources: Python issue gh-93973; Python documentation, loop.create_connection().
"""

import asyncio
import socket

from behaviours import kit
from behaviours.known import known, outcome, seen

ESCAPED = outcome("OSError was not caught", bites="the program ends where it was to try again")
CAUGHT = outcome("caught")
KNOWN = known(trap=[seen(CAUGHT, loop="uvloop"), seen(ESCAPED)], remedy=[seen(CAUGHT)])


# --- Streams ---
async def streams_trap(host, port):
    try:
        await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        kit.handle("caught")


async def streams_remedy(host, port):
    try:
        await asyncio.open_connection(host, port)
    except OSError:
        kit.handle("caught")


# --- Protocol ---
async def protocol_trap(host, port):
    try:
        await kit.connected((host, port))
    except ConnectionRefusedError:
        kit.handle("caught")


async def protocol_remedy(host, port):
    try:
        await kit.connected((host, port))
    except OSError:
        kit.handle("caught")


# --- How it is observed: host None stands for both addresses of this machine; the port is bound, and nobody listens ---
def experiment(subject):
    with socket.socket(socket.AF_INET6) as bound:
        try:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            bound.bind(("::", 0))
        except OSError:
            kit.skip("this machine has no IPv6")
        try:
            subject.call(None, bound.getsockname()[1])
        except OSError as error:
            kit.tell(f"raised {type(error).__name__} with errno {error.errno}")
            return ESCAPED
    kit.tell(f"{kit.handled()[0]}")
    return CAUGHT


if __name__ == "__main__":
    kit.main()
