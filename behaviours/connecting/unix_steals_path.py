"""A second server at the path of a Unix socket takes it from the first, without an error

A port in use is an error. The path of a Unix socket is not: a server that starts removes what is there, also when
another one still serves, and new clients come to the new one. The first knows nothing of it, and serves nobody.

Instead: try to connect before you serve; only where that is refused the file is a stale one.

Sources: Python issue gh-111246; Python documentation, loop.create_unix_server().
"""

import asyncio
import os
import socket
import tempfile

from behaviours import kit
from behaviours.known import known, outcome, seen

STOLEN = outcome("took the path", bites="the first server gets no clients any more")
KEPT = outcome("left the first one alone")
KNOWN = known(trap=[seen(STOLEN)], remedy=[seen(KEPT)])


# --- Streams ---
async def streams_trap(path):
    await asyncio.start_unix_server(kit.echo, path)


async def streams_remedy(path):
    try:
        await asyncio.open_unix_connection(path)
    except OSError:
        await asyncio.start_unix_server(kit.echo, path)
    else:
        raise OSError(f"{path} is in use")


# --- Protocol ---
async def protocol_trap(path):
    loop = asyncio.get_running_loop()
    await loop.create_unix_server(kit.Echo, path)


async def protocol_remedy(path):
    loop = asyncio.get_running_loop()
    try:
        await asyncio.open_unix_connection(path)
    except OSError:
        await loop.create_unix_server(kit.Echo, path)
    else:
        raise OSError(f"{path} is in use")


# --- How it is observed: which file is at the path after a second server was to start, the first one's or another ---
def experiment(subject):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as first:
        path = os.path.join(folder, "s")
        first.bind(path)
        first.listen()
        before = os.stat(path).st_mtime_ns, os.stat(path).st_ino
        try:
            subject.call(path)
        except OSError as error:
            kit.tell(f"raised {type(error).__name__}")
        same = before == (os.stat(path).st_mtime_ns, os.stat(path).st_ino)
    kit.tell("the path leads to the first server" if same else "the path leads to the second server; no error")
    return KEPT if same else STOLEN


if __name__ == "__main__":
    kit.main()
